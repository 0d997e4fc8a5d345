"""Mails that were passed on in a text: who wrote them, in the ways of many programs."""

# ruff: noqa: RUF001 - the words are in their own alphabets

from __future__ import annotations

import pytest

from helpdeskd.mail.forwarded import read

BLOCKS = {
    "gmail": "---------- Forwarded message ---------\nFrom: Ann Example <ann@example.org>\nDate: Mon, Feb 2, 2026 at 9:12 AM\n"
    "Subject: Printer\nTo: <desk@desk.example>\n",
    "outlook": "________________________________\nFrom: Ann Example <ann@example.org>\nSent: Monday, February 2, 2026 9:12 AM\nTo: Desk\n"
    "Subject: Printer\n",
    "outlook-mailto": "-----Original Message-----\nFrom: Ann Example [mailto:ann@example.org] \nSent: Monday, February 2, 2026 9:12 AM\n"
    "To: Desk\nSubject: Printer\n",
    "outlook-mac": "From: Ann Example <ann@example.org<mailto:ann@example.org>>\nDate: Monday, 2 February 2026 at 9:12\nTo: Desk\nSubject: Printer\n",
    "apple": "Begin forwarded message:\n\nFrom: Ann Example <ann@example.org>\nSubject: Printer\nDate: 2 February 2026 at 09:12:00 CET\n"
    "To: desk@desk.example\n",
    "apple-quoted": "> Begin forwarded message:\n>\n> From: Ann Example <ann@example.org>\n> Subject: Printer\n> Date: 2 February 2026\n"
    "> To: desk@desk.example\n>\n",
    "thunderbird": "-------- Forwarded Message --------\nSubject: \tPrinter\nDate: \tMon, 2 Feb 2026 09:12:28 +0100\n"
    "From: \tAnn Example <ann@example.org>\nTo: \tDesk <desk@desk.example>\n",
    "wrapped": "From: Ann Example\n<ann@example.org>\nSent: Monday, February 2, 2026 9:12 AM\nTo: Desk\nSubject: Printer\n",
    "bold": "*From:* Ann Example <ann@example.org>\n*Sent:* Monday, February 2, 2026\n*To:* Desk\n*Subject:* Printer\n",
    "de": "-------- Weitergeleitete Nachricht --------\nBetreff: Printer\nDatum: Mon, 2 Feb 2026 09:12:28 +0100\n"
    "Von: Ann Example <ann@example.org>\nAn: Desk <desk@desk.example>\n",
    "fr": "De : Ann Example <ann@example.org>\nEnvoyé : lundi 2 février 2026 09:12\nÀ : Desk\nObjet : Printer\n",
    "es": "De: Ann Example <ann@example.org>\nEnviado el: lunes, 2 de febrero de 2026 9:12\nPara: Desk\nAsunto: Printer\n",
    "it": "Da: Ann Example <ann@example.org>\nInviato: lunedì 2 febbraio 2026 09:12\nA: Desk\nOggetto: Printer\n",
    "pt": "De: Ann Example <ann@example.org>\nEnviada em: segunda-feira, 2 de fevereiro de 2026\nPara: Desk\nAssunto: Printer\n",
    "nl": "Van: Ann Example <ann@example.org>\nVerzonden: maandag 2 februari 2026 09:12\nAan: Desk\nOnderwerp: Printer\n",
    "sv": "Från: Ann Example <ann@example.org>\nSkickat: den 2 februari 2026 09:12\nTill: Desk\nÄmne: Printer\n",
    "da": "Fra: Ann Example <ann@example.org>\nSendt: 2. februar 2026 09:12\nTil: Desk\nEmne: Printer\n",
    "pl": "Od: Ann Example <ann@example.org>\nWysłano: poniedziałek, 2 lutego 2026 09:12\nDo: Desk\nTemat: Printer\n",
    "ru": "-------- Пересылаемое сообщение --------\nОт кого: Ann Example <ann@example.org>\nКому: Desk\nДата: 2 февраля 2026\nТема: Printer\n",
    "ja": "差出人: Ann Example <ann@example.org>\n送信日時: 2026年2月2日 9:12\n宛先: Desk\n件名: Printer\n",
    "zh": "发件人： Ann Example <ann@example.org>\n发送时间： 2026年2月2日 9:12\n收件人： Desk\n主题： Printer\n",
}


@pytest.mark.parametrize("comment", ["", "Please look.\n\nCarl"])
@pytest.mark.parametrize("program", BLOCKS)
def test_who_wrote_what(program, comment):
    quote = "> " if program == "apple-quoted" else ""
    body = f"{quote}It burns.\n{quote}\n{quote}Ann\n"
    found = read(f"{comment}\n\n{BLOCKS[program]}\n{body}" if comment else f"{BLOCKS[program]}\n{body}")
    assert found is not None
    assert found.comment == comment
    assert found.author is not None
    assert (found.author.name, found.author.email) == ("Ann Example", "ann@example.org")
    assert found.subject == "Printer"
    assert "2026" in found.date_words
    assert found.text == "It burns.\n\nAnn"


def test_somebody_without_an_address():
    found = read("From: Ann Example\nSent: Monday, February 2, 2026 9:12 AM\nTo: Desk\nSubject: Printer\n\nIt burns.\n")
    assert found is not None
    assert (found.author, found.author_words) == (None, "Ann Example")


def test_a_subject_of_two_lines():
    found = read(
        "From: a@example.org\nDate: 2 Feb 2026\nSubject: The printer\nthat burns\nTo: b@example.org\n\nIt burns.\n"
    )
    assert found is not None
    assert (found.subject, found.text) == ("The printer that burns", "It burns.")


@pytest.mark.parametrize(
    "text", ["", "It burns.", "From: Berlin\nTo: Hamburg\n", "On 2 Feb 2026 Ann <a@b.org> wrote:\n> It burns\n"]
)
def test_nothing_is_forwarded(text):
    assert read(text) is None


FAKE = "From: Victim <victim@victim.example>\nSent: Monday, February 2, 2026 9:12 AM\nTo: Desk\nSubject: Refund\n\nPlease pay.\n"


@pytest.mark.parametrize(
    "text",
    [
        f"Please look.\n\nOn Mon, 2 Feb 2026 at 09:12, Eve <eve@evil.example> wrote:\n\n{FAKE}",
        "Please look.\n\nOn Mon, 2 Feb 2026 at 09:12, Eve <eve@evil.example> wrote:\n\n> Hello\n>\n"
        + "".join(f"> {line}\n" for line in FAKE.splitlines()),
        f"-----Original Message-----\nThis is what she wrote:\n\n{FAKE}",
        f"---------- Forwarded message ---------\nXyz: Eve <eve@evil.example>\nAbc: 2026\n\nHello\n\n{FAKE}",
        f"Please look.\n\nXyz: Eve <eve@evil.example>\nAbc: 2026\n\nHello\n\n{FAKE}",
    ],
)
def test_what_stands_further_down_is_the_authors_own(text):
    """They may have written headers with somebody else's name."""
    assert read(text) is None


@pytest.mark.parametrize(
    "words",
    [
        "Victim <victim@victim.example> <eve@evil.example>",
        "Vic [mailto:victim@victim.example] <eve@evil.example>",
        "victim@victim.example, Eve <eve@evil.example>",
        "victim@victim.example via list <eve@evil.example>",
    ],
)
def test_several_addresses_are_nobody(words):
    found = read(f"From: {words}\nSent: Monday, February 2, 2026 9:12 AM\nTo: Desk\nSubject: Printer\n\nIt burns.\n")
    assert found is not None
    assert found.author is None


def test_what_follows_a_quoted_mail_is_whoever_forwards_it():
    quoted = "".join(f"> {line}\n" for line in f"{BLOCKS['gmail']}\nIt burns.".splitlines())
    found = read(f"Please look.\n\n{quoted}\nBetween us: a difficult one.\n")
    assert found is not None
    assert (found.text, found.comment) == ("It burns.", "Please look.\n\nBetween us: a difficult one.")
