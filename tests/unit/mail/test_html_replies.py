"""Invented letters as programs write them in HTML: what is said is "Yes." and "Thanks"."""

from __future__ import annotations

import pytest

from helpdeskd.config import Desk
from helpdeskd.mail import reply
from helpdeskd.mail.html import read
from helpdeskd.mail.quoting import split

LETTERS = {
    "gmail": '<div dir="ltr">Yes.<div><br></div><div>Thanks</div></div><br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">On Mon, Nov 30, 2026 at 10:00 AM Ann &lt;<a href="mailto:ann@example.org">ann@example.org</a>&gt; wrote:<br></div><blockquote class="gmail_quote" style="margin:0">Does it?</blockquote></div>',
    "owa": '<div class="elementToProof">Yes.</div><div class="elementToProof">Thanks</div><div id="appendonsend"></div><hr style="display:inline-block;width:98%"><div id="divRplyFwdMsg" dir="ltr"><font face="Calibri"><b>From:</b> Ann &lt;ann@example.org&gt;<br><b>Sent:</b> Monday, November 30, 2026 10:00 AM<br><b>To:</b> Eve<br><b>Subject:</b> Printer</font></div><div>Does it?</div>',
    "outlook": '<div class=WordSection1><p class=MsoNormal>Yes.<o:p></o:p></p><p class=MsoNormal>Thanks</p><p class=MsoNormal><o:p>&nbsp;</o:p></p><div><div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0in 0in 0in"><p class=MsoNormal><b>From:</b> Ann &lt;ann@example.org&gt; <br><b>Sent:</b> Monday, November 30, 2026 10:00 AM<br><b>To:</b> Eve<br><b>Subject:</b> Printer</p></div></div><p class=MsoNormal>Does it?</p></div>',
    "outlook-de": "<div class=WordSection1><p class=MsoNormal>Yes.</p><p class=MsoNormal>Thanks</p><p><b>Von:</b> Ann &lt;ann@example.org&gt; <br><b>Gesendet:</b> Montag, 30. November 2026 10:00<br><b>An:</b> Eve<br><b>Betreff:</b> Drucker</p><p class=MsoNormal>Does it?</p></div>",
    "apple": '<div>Yes.</div><div>Thanks</div><br><div><br><blockquote type="cite"><div>On 30 Nov 2026, at 10:00, Ann &lt;ann@example.org&gt; wrote:</div><br><div>Does it?</div></blockquote></div>',
    "ios": '<div dir="ltr">Yes.</div><div dir="ltr">Thanks</div><div dir="ltr"><br><blockquote type="cite">Am 30.11.2026 um 10:00 schrieb Ann &lt;ann@example.org&gt;:<br><br></blockquote></div><blockquote type="cite"><div dir="ltr">Does it?</div></blockquote>',
    "thunderbird": '<p>Yes.</p><p>Thanks</p><div class="moz-cite-prefix">Am 30.11.2026 um 10:00 schrieb Ann:<br></div><blockquote type="cite" cite="mid:x">Does it?</blockquote>',
    "yahoo": '<div class="ydpyahoo-style-wrap"><div>Yes.</div><div>Thanks</div></div><div id="ydp1yahoo_quoted_1" class="ydp1yahoo_quoted"><div><div>On Monday, November 30, 2026 at 10:00:00 AM GMT+1, Ann &lt;ann@example.org&gt; wrote: </div><div>Does it?</div></div></div>',
    "proton": '<div>Yes.</div><div>Thanks</div><div class="protonmail_signature_block"><div class="protonmail_signature_block-proton">Sent with <a href="https://proton.me/">Proton Mail</a> secure email.</div></div><div class="protonmail_quote">On Monday, November 30th, 2026 at 10:00 AM, Ann &lt;ann@example.org&gt; wrote:<br><blockquote class="protonmail_quote" type="cite">Does it?</blockquote></div>',
    "gmx": '<div style="font-family: Verdana"><div>Yes.</div><div>Thanks</div><div>&nbsp;<div name="quote" style="margin:10px 5px 5px 10px; border-left:2px solid"><div style="margin:0 0 10px 0;"><b>Gesendet:</b>&nbsp;Montag, 30. November 2026 um 10:00 Uhr<br/><b>Von:</b>&nbsp;Ann &lt;ann@example.org&gt;<br/><b>An:</b>&nbsp;eve@example.org<br/><b>Betreff:</b>&nbsp;Drucker</div><div name="quoted-content">Does it?</div></div></div></div>',
    "zoho": '<div>Yes.<br></div><div>Thanks<br></div><div class="zmail_extra_hr" style="border-top:1px"></div><div class="zmail_extra"><br>---- On Mon, 30 Nov 2026 10:00:00 +0100 <b>Ann &lt;ann@example.org&gt;</b> wrote ---<br><blockquote id="blockquote_zmail">Does it?</blockquote></div>',
    "roundcube": '<p>Yes.</p><p>Thanks</p><p id="reply-intro">On 2026-11-30 10:00, Ann wrote:</p><blockquote type="cite">Does it?</blockquote>',
    "yandex": '<div>Yes.</div><div>Thanks</div><div>\xa0</div><div>30.11.2026, 10:00, "Ann" &lt;ann@example.org&gt;:</div><blockquote><div>Does it?</div></blockquote>',
    "mailru": '<p>Yes.</p><p>Thanks</p><blockquote style="border-left:1px solid #0857A6;">Понедельник, 30 ноября 2026, 10:00 +03:00 от Ann &lt;ann@example.org&gt;:<br><div>Does it?</div></blockquote>',
    "qq": '<div>Yes.</div><div>Thanks</div><div><br></div><div style="font-size:12px">------------------&nbsp;原始邮件&nbsp;------------------</div><div style="background:#efefef"><div><b>发件人:</b>&nbsp;"Ann"&lt;ann@example.org&gt;;</div><div><b>发送时间:</b>&nbsp;2026年11月30日(星期一) 上午10:00</div><div><b>收件人:</b>&nbsp;"Eve";</div><div><b>主题:</b>&nbsp;Printer</div></div><div>Does it?</div>',
    "163": '<div>Yes.</div><div>Thanks</div><div id="divNeteaseMailCard"></div><br>At 2026-11-30 10:00:00, "Ann" &lt;ann@example.org&gt; wrote:<br> <blockquote id="isReplyContent"><div>Does it?</div></blockquote>',
    "notes": '<font size=2>Yes.</font><br><font size=2>Thanks</font><br><br><font size=1 color=#5f5f5f>From: &nbsp; &nbsp; </font><font size=1>"Ann" &lt;ann@example.org&gt;</font><br><font size=1>To: &nbsp; </font><font size=1>eve@example.org</font><br><font size=1>Date: &nbsp; </font><font size=1>30.11.2026 10:00</font><br><font size=1>Subject: </font><font size=1>Printer</font><br><hr noshade><br><br>Does it?',
    "notes-table": '<p>Yes.</p><p>Thanks</p><table><tr><td>From:</td><td>"Ann" &lt;ann@example.org&gt;</td></tr><tr><td>To:</td><td>eve@example.org</td></tr><tr><td>Date:</td><td>30.11.2026 10:00</td></tr><tr><td>Subject:</td><td>Printer</td></tr></table><p>Does it?</p>',
    "samsung": '<div>Yes.</div><div>Thanks</div><div><br></div><div id="composer_signature"><div>Sent from my Galaxy</div></div><div><br></div><div>-------- Original message --------</div><div>From: Ann &lt;ann@example.org&gt; </div><div>Date: 30/11/2026  10:00  (GMT+01:00) </div><div>To: eve@example.org </div><div>Subject: Printer </div><div><br></div><div>Does it?</div>',
    "spark": '<html><body><div name="messageBodySection"><div dir="auto">Yes.<br>Thanks</div></div><div name="messageSignatureSection"><br>Eve</div><div name="messageReplySection">On 30 Nov 2026, 10:00 +0100, Ann &lt;ann@example.org&gt;, wrote:<br><blockquote type="cite">Does it?</blockquote></div></body></html>',
    "hey": '<div class="trix-content"><div>Yes.<br>Thanks</div></div><br><br>On November 30, 2026, Ann &lt;ann@example.org&gt; wrote:<br><blockquote><div>Does it?</div></blockquote>',
    "emclient": '<div>Yes.</div><div>Thanks</div><div>------ Original Message ------</div><div>From "Ann" &lt;<a href="mailto:ann@example.org">ann@example.org</a>&gt;</div><div>To eve@example.org</div><div>Date 30/11/2026 10:00:00</div><div>Subject Printer</div><div><br></div><div id="x1"><blockquote cite="x" type="cite" class="cite2"><div>Does it?</div></blockquote></div>',
    "groupwise": "<div>Yes.</div><div>Thanks</div><div><br></div><div>&gt;&gt;&gt; Ann &lt;ann@example.org&gt; 30.11.2026 10:00 &gt;&gt;&gt;<br></div><div>Does it?</div>",
    "orange": '<p>Yes.</p><p>Thanks</p><blockquote style="border-left:2px solid"><p>> Message du 30/11/26 10:00<br>> De : "Ann" &lt;ann@example.org&gt;<br>> A : eve@example.org<br>> Copie à : <br>> Objet : Imprimante<br>> <br>> Does it?</p></blockquote>',
    "zimbra": '<div style="font-family: arial"><div>Yes.</div><div>Thanks</div><div><br></div><hr id="zwchr" data-marker="__DIVIDER__"><div data-marker="__HEADERS__"><blockquote style="border-left:2px solid"><b>De: </b>"Ann" &lt;ann@example.org&gt;<br><b>À: </b>"Eve"<br><b>Envoyé: </b>Lundi 30 Novembre 2026 10:00:00<br><b>Objet: </b>Imprimante<br></blockquote></div><div data-marker="__QUOTED_TEXT__"><blockquote>Does it?</blockquote></div></div>',
    "outlook-mac": '<div class="WordSection1"><p class="MsoNormal">Yes.</p><p class="MsoNormal">Thanks</p><div id="mail-editor-reference-message-container"><div><div style="border:none;border-top:solid #B5C4DF 1.0pt;padding:3.0pt 0in 0in 0in"><p class="MsoNormal"><b>From: </b>Ann &lt;ann@example.org&gt;<br><b>Date: </b>Monday, 30 November 2026 at 10:00<br><b>To: </b>Eve<br><b>Subject: </b>Printer</p></div><p>Does it?</p></div></div></div>',
    "outlook-ios": '<div dir="ltr">Yes.</div><div>Thanks</div><div id="ms-outlook-mobile-signature">Get <a href="https://aka.ms/o0ukef">Outlook for iOS</a></div><hr><div id="divRplyFwdMsg"><b>From:</b> Ann &lt;ann@example.org&gt;<br><b>Sent:</b> Monday, November 30, 2026 10:00:00 AM<br><b>To:</b> Eve<br><b>Subject:</b> Printer</div><div>Does it?</div>',
    "winmail": '<div><div>Yes.</div><div>Thanks</div><div>Sent from <a href="https://go.microsoft.com/x">Mail</a> for Windows</div><div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0in 0in 0in"><p style="border:none;padding:0in"><b>From: </b><a href="mailto:ann@example.org">Ann</a><br><b>Sent: </b>30 November 2026 10:00<br><b>To: </b>Eve<br><b>Subject: </b>Printer</p></div><p>Does it?</p></div>',
    "superhuman": '<div>Yes.</div><div>Thanks</div><div><div style="display:none;border-radius:0"></div><br><div class="gmail_signature">Sent via <a href="https://sprh.mn/?vip=x">Superhuman</a></div></div><div><br></div><div class="gmail_quote">On Mon, Nov 30, 2026 at 10:00 AM, Ann <span>&lt;<a href="mailto:ann@example.org">ann@example.org</a>&gt;</span> wrote:<br><blockquote class="gmail_quote">Does it?</blockquote></div>',
}


@pytest.mark.parametrize("program", LETTERS)
def test_what_is_said_in_html(program):
    reading = read(LETTERS[program])
    found = split(reading.text, Desk().marker, quote_at=reading.quote_at, boxed=reading.boxed)
    assert reply.said(found.text).split() == ["Yes.", "Thanks"]
    assert found.text + found.quote == reading.text
