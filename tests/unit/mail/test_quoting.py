"""Where a quote begins, in many languages; where none begins; what our marker decides."""

# ruff: noqa: RUF001 - the words are in their own alphabets

from __future__ import annotations

import textwrap

import pytest

from helpdeskd.mail import reply
from helpdeskd.mail.quoting import Split, has_own_text, split

MARKER = "## Please write your reply above this line ##"
TOKEN = "support+bsd22s47rudpavc2urrr44chxqoq@desk.example"

ATTRIBUTIONS = {
    "en-gmail": "On Mon, Feb 2, 2026 at 9:12 AM Support <support@desk.example> wrote:",
    "en-gmail-wrapped": "On Mon, Feb 2, 2026 at 9:12 AM Support <\nsupport@desk.example> wrote:",
    "en-apple": "On 2 Feb 2026, at 09:12, Support <support@desk.example> wrote:",
    "en-thunderbird": "On 02/02/2026 09:12, Support wrote:",
    "de": "Am Mo., 2. Feb. 2026 um 09:12 Uhr schrieb Support <support@desk.example>:",
    "de-thunderbird": "Am 02.02.26 um 09:12 schrieb Support:",
    "fr": "Le lun. 2 févr. 2026 à 09:12, Support <support@desk.example> a écrit :",
    "fr-wrapped": "Le lun. 2 févr. 2026 à 09:12, Support <support@desk.example> a\nécrit :",
    "es": "El lun, 2 feb 2026 a las 9:12, Support (<support@desk.example>) escribió:",
    "it": "Il giorno lun 2 feb 2026 alle ore 09:12 Support <support@desk.example> ha scritto:",
    "pt": "Em seg., 2 de fev. de 2026 às 09:12, Support <support@desk.example> escreveu:",
    "nl": "Op ma 2 feb 2026 om 09:12 schreef Support <support@desk.example>:",
    "sv": "Den mån 2 feb. 2026 kl 09:12 skrev Support <support@desk.example>:",
    "da": "Den man. 2. feb. 2026 kl. 09.12 skrev Support <support@desk.example>:",
    "no": "man. 2. feb. 2026 kl. 09:12 skrev Support <support@desk.example>:",
    "fi": "ma 2. helmik. 2026 klo 9.12 Support (support@desk.example) kirjoitti:",
    "pl": "pon., 2 lut 2026 o 09:12 Support <support@desk.example> napisał(a):",
    "cs": "po 2. 2. 2026 v 9:12 odesílatel Support <support@desk.example> napsal:",
    "sk": "po 2. 2. 2026 o 9:12 Support <support@desk.example> napísal(a):",
    "hu": "Support <support@desk.example> ezt írta (időpont: 2026. febr. 2., H, 9:12):",
    "ro": "În lun., 2 feb. 2026 la 09:12, Support <support@desk.example> a scris:",
    "ru": "пн, 2 февр. 2026 г. в 09:12, Support <support@desk.example>:",
    "ru-verb": "02.02.2026 09:12, Support пишет:",
    "uk": "пн, 2 лют. 2026 р. о 09:12 Support <support@desk.example> пише:",
    "bg": "На пн, 2.02.2026 г. в 9:12 Support <support@desk.example> написа:",
    "el": "Στις Δευ 2 Φεβ 2026 στις 9:12 π.μ., ο χρήστης Support <support@desk.example> έγραψε:",
    "tr": "Support <support@desk.example>, 2 Şub 2026 Pzt, 09:12 tarihinde şunu yazdı:",
    "ja": "2026年2月2日(月) 9:12 Support <support@desk.example>:",
    "zh": "Support <support@desk.example> 于2026年2月2日周一 09:12写道：",
    "zh-tw": "Support <support@desk.example> 於 2026年2月2日 週一 上午9:12寫道：",
    "ko": "2026년 2월 2일 (월) 오전 9:12, Support <support@desk.example>님이 작성:",
    "vi": "Vào Th 2, 2 thg 2, 2026 vào lúc 09:12 Support <support@desk.example> đã viết:",
    "id": "Pada tanggal Sen, 2 Feb 2026 pukul 09.12 Support <support@desk.example> menulis:",
    "he": "בתאריך יום ב׳, 2 בפבר׳ 2026 ב-9:12 מאת Support <support@desk.example> כתב/ה:",
    "ca": "Missatge de Support <support@desk.example> del dia dl., 2 de febr. 2026 a les 9:12 va escriure:",
    "sr": "2. феб 2026. 09:12 Support <support@desk.example> је написао/ла:",
    "hr": "pon, 2. velj 2026. u 09:12 Support <support@desk.example> napisao je:",
    "sl": "V V pon., 2. feb. 2026 ob 09:12 je oseba Support <support@desk.example> napisala:",
    "lt": "2026-02-02, pr, 09:12 Support <support@desk.example> rašė:",
    "lv": "pirmd., 2026. g. 2. febr., plkst. 09:12 — lietotājs Support (<support@desk.example>) rakstīja:",
    "et": "Kuupäev E, 2. veebruar 2026 kell 09:12 kirjutas Support <support@desk.example>:",
    "is": "mán., 2. feb. 2026 kl. 09:12 skrifaði Support <support@desk.example>:",
    "th": "ในวันที่ จ. 2 ก.พ. 2026 เวลา 09:12 Support <support@desk.example> เขียนว่า:",
    "ar": "في الاثنين، 2 فبراير 2026 في 9:12 ص تمت كتابة ما يلي بواسطة Support <support@desk.example>:",
    "fa": "در تاریخ دوشنبه ۲ فوریهٔ ۲۰۲۶،\u200f ۹:۱۲ Support <support@desk.example> نوشت:",
    "hi": "सोम, 2 फ़र॰ 2026 को 9:12 am बजे को Support <support@desk.example> ने लिखा:",
    "gl": "O luns, 2 feb 2026 ás 09:12, Support (<support@desk.example>) escribiu:",
    "eu": "Support (<support@desk.example>) erabiltzaileak hau idatzi du (2026 ots. 2, al. (09:12)):",
    "en-yahoo": "On Monday, February 2, 2026 at 09:12:00 AM GMT+1, Support <support@desk.example> wrote:",
    "en-proton": "On Monday, February 2nd, 2026 at 9:12 AM, Support <support@desk.example> wrote:",
    "en-mutt": "On Mon, Feb 02, 2026 at 09:12:00AM +0100, Support wrote:",
    "de-name-first": "Support <support@desk.example> schrieb am Mo., 2. Feb. 2026, 09:12:",
    "fr-apple": "Le 2 févr. 2026 à 09:12, Support a écrit :",
    "nl-apple": "Op 2 feb 2026 om 09:12 heeft Support <support@desk.example> het volgende geschreven:",
    "fi-apple": "Support <support@desk.example> kirjoitti 2.2.2026 kello 9.12:",
    "pl-apple": "Wiadomość napisana przez Support <support@desk.example> w dniu 02.02.2026, o godz. 09:12:",
    "ru-mail": "Понедельник, 2 февраля 2026, 9:12 +03:00 от Support <support@desk.example>:",
    "ja-apple": "2026/02/02 9:12、Support <support@desk.example>のメール:",
    "zh-apple": "在 2026年2月2日，上午9:12，Support <support@desk.example> 写道：",
    "ko-apple": "2026. 2. 2. 오전 9:12, Support <support@desk.example> 작성:",
    "hu-apple": "2026. febr. 2. dátummal, 9:12 időpontban Support <support@desk.example> írta:",
    "tr-apple": "2 Şub 2026 tarihinde 09:12 saatinde, Support <support@desk.example> şunları yazdı:",
    # Without a verb, or without a colon.
    "date-and-address": '02.02.2026, 09.12, "Support" <support@desk.example>:',
    "time-first": '9:12 AM, February 2, 2026, "Support" <support@desk.example>:',
    "no-colon": "On Mon, 2 Feb 2026 09:12:43 -0200 Support <support@desk.example> wrote",
    "between-dashes": "---- On Mon, 02 Feb 2026 09:12:50 +0530 support@desk.example wrote ----",
}


def whole(found: Split) -> str:
    return found.text + found.quote


@pytest.mark.parametrize("language", ATTRIBUTIONS)
def test_attribution_above_quoted_lines(language):
    text = f"My answer.\n\n{ATTRIBUTIONS[language]}\n\n> Your question?\n>\n> Support\n"
    found = split(text, MARKER)
    assert found.text == "My answer.\n"
    assert whole(found) == text


@pytest.mark.parametrize("below", ["> Your question?\n>\n> Support\n", "Your question?\n"])
@pytest.mark.parametrize("gap", ["\n\n", "\n"])
@pytest.mark.parametrize("width", [200, 76, 60, 45])
@pytest.mark.parametrize("language", ATTRIBUTIONS)
def test_attribution_wrapped_anywhere(language, width, gap, below):
    """Programs wrap it like any other line, and quote with `>` or without."""
    attribution = ATTRIBUTIONS[language]
    if "\n" not in attribution:
        attribution = "\n".join(textwrap.wrap(attribution, width, break_on_hyphens=False))
    text = f"My answer.{gap}{attribution}\n\n{below}"
    found = split(text, MARKER)
    sure = below.startswith(">") or "@" in attribution
    assert found.text == ("My answer.\n" if sure else text)
    assert reply.said(found.text) == "My answer."
    assert whole(found) == text


BLOCKS = {
    "en": "From: Support <support@desk.example>\nSent: Monday, February 2, 2026 9:12 AM\nTo: Ann\nSubject: Printer",
    "en-bold": "*From:* Support <support@desk.example>\n*Sent:* Monday, February 2, 2026 9:12 AM\n*To:* Ann\n*Subject:* Printer",
    "en-loose": "From: Support\n\nDate: Monday, February 2, 2026\n\nTo: Ann\n\nSubject: Printer",
    "de": "Von: Support <support@desk.example>\nGesendet: Montag, 2. Februar 2026 09:12\nAn: Ann\nBetreff: Drucker",
    "fr": "De : Support <support@desk.example>\nEnvoyé : lundi 2 février 2026 09:12\nÀ : Ann\nObjet : Imprimante",
    "es": "De: Support\nEnviado el: lunes, 2 de febrero de 2026 9:12\nPara: Ann\nAsunto: Impresora",
    "it": "Da: Support\nInviato: lunedì 2 febbraio 2026 09:12\nA: Ann\nOggetto: Stampante",
    "pt": "De: Support\nEnviada em: segunda-feira, 2 de fevereiro de 2026 09:12\nPara: Ann\nAssunto: Impressora",
    "nl": "Van: Support\nVerzonden: maandag 2 februari 2026 09:12\nAan: Ann\nOnderwerp: Printer",
    "sv": "Från: Support\nSkickat: den 2 februari 2026 09:12\nTill: Ann\nÄmne: Skrivare",
    "da": "Fra: Support\nSendt: 2. februar 2026 09:12\nTil: Ann\nEmne: Printer",
    "fi": "Lähettäjä: Support\nLähetetty: maanantai 2. helmikuuta 2026 9.12\nVastaanottaja: Ann\nAihe: Tulostin",
    "pl": "Od: Support\nWysłano: poniedziałek, 2 lutego 2026 09:12\nDo: Ann\nTemat: Drukarka",
    "cs": "Od: Support\nOdesláno: pondělí 2. února 2026 9:12\nKomu: Ann\nPředmět: Tiskárna",
    "ru": "От: Support\nОтправлено: 2 февраля 2026 г. 9:12\nКому: Ann\nТема: Принтер",
    "zh": "发件人: Support\n发送时间: 2026年2月2日 9:12\n收件人: Ann\n主题: 打印机",
    "ja": "差出人: Support\n送信日時: 2026年2月2日 9:12\n宛先: Ann\n件名: プリンタ",
    "no": "Fra: Support\nSendt: mandag 2. februar 2026 09:12\nTil: Ann\nEmne: Skriver",
    "sk": "Od: Support\nOdoslané: pondelok 2. februára 2026 9:12\nKomu: Ann\nPredmet: Tlačiareň",
    "hu": "Feladó: Support\nElküldve: 2026. február 2., hétfő 9:12\nCímzett: Ann\nTárgy: Nyomtató",
    "ro": "De la: Support\nTrimis: luni, 2 februarie 2026 09:12\nCătre: Ann\nSubiect: Imprimanta",
    "tr": "Kimden: Support\nGönderildi: 2 Şubat 2026 Pazartesi 09:12\nKime: Ann\nKonu: Yazıcı",
    "el": "Από: Support\nΣτάλθηκε: Δευτέρα, 2 Φεβρουαρίου 2026 9:12\nΠρος: Ann\nΘέμα: Εκτυπωτής",
    "uk": "Від: Support\nНадіслано: 2 лютого 2026 р. 9:12\nКому: Ann\nТема: Принтер",
    "ko": "보낸 사람: Support\n보낸 날짜: 2026년 2월 2일 9:12\n받는 사람: Ann\n제목: 프린터",
    "zh-tw": "寄件者: Support\n寄件日期: 2026年2月2日 9:12\n收件者: Ann\n主旨: 印表機",
    "he": "מאת: Support\nנשלח: 2 בפברואר 2026 9:12\nאל: Ann\nנושא: מדפסת",
    "ca": "De: Support\nEnviat: dilluns, 2 de febrer 2026 9:12\nPer a: Ann\nAssumpte: Impressora",
    "date-first": "Date: Mon, 2 Feb 2026 09:12:45 +0400\nSubject: Printer\nFrom: support@desk.example\nTo: ann@example.org",
    "without-subject": "From: Support\nSent: Monday, February 2, 2026 9:12 AM\nTo: Ann",
    "reply-to": "From: Support <support@desk.example>\nReply-To: Desk <desk@desk.example>\nDate: Monday, 2 February 2026\nTo: Ann\nSubject: Printer",
    "address-wrapped": "From: Support \n<support-with-a-long-address@desk.example> \nSent: Monday, 2 February 2026 9:12\nTo: Ann\nSubject: Printer",
    "subject-wrapped": "From: Support\nSent: Monday, 2 February 2026 9:12\nSubject: Printer that\nspans two lines\nTo: Ann",
}


@pytest.mark.parametrize("rule", ["", "________________________________\n", "-----Original Message-----\n"])
@pytest.mark.parametrize("language", BLOCKS)
def test_header_blocks(language, rule):
    """They are folded: below them answers may stand. Cut off is what holds words of ours."""
    text = f"My answer.\n\nAnn\n\n{rule}{BLOCKS[language]}\n\nYour question?\n"
    assert split(text, MARKER) == Split(text, "")
    assert reply.said(text) == "My answer.\n\nAnn"
    for ours in (f"Write to {TOKEN}\n", f"{MARKER[:30]} ...\n"):
        found = split(text + ours, MARKER)
        assert (found.text, found.marker_cut, found.own_text_found) == ("My answer.\n\nAnn\n", False, False)
        assert whole(found) == text + ours


@pytest.mark.parametrize(
    "words",
    [
        "Original Message",
        "Ursprüngliche Nachricht",
        "Message d'origine",
        "Mensaje original",
        "Исходное сообщение",
        "原始邮件",
    ],
)
def test_original_message(words):
    for line in (f"-----{words}-----", f"---- {words} ----", f"==== {words} ====", f"____{words}____", f"---- {words}"):
        text = f"My answer.\n\n{line}\nanything\n"
        assert split(text, MARKER) == Split(text, "")
        assert reply.said(text) == "My answer."


@pytest.mark.parametrize(
    "line",
    [
        "##- Geef uw antwoord boven deze lijn -##",
        "=-=-= Please reply above this line =-=-=",
        "--- Reply above this line ---",
    ],
)
def test_markers_of_other_desks(line):
    assert split(f"My answer.\n\n{line}\nanything\n", MARKER).text == "My answer.\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "No quote at all.\n",
        "On Monday I wrote:\nthe printer burns\n",
        "My colleague wrote:\nsomething\n",
        "From: the very start\nit burned.\n",
        "From: Berlin\nTo: Hamburg\nI need two tickets.\n",
        "> only a quote\n> and nothing else\n",
        "On Mon, 2 Feb 2026 at 9:12 Ann <a@b.org> wrote:\n> only a quote\n",
        "> Which printer?\nThe blue one.\n> Which room?\nThe third.\n",
        "On 2 Feb 2026 Support wrote:\n> a?\nyes\n> b?\nno\n",
        "Steps:\n1. open\n2. close\nSee > there\n",
        "------\na table\n------\n",
        "a -- b\n",
        "I travel.\n\nFrom: Berlin\nTo: Hamburg\nDate: 3 May 2026, 09:30\n\nTwo seats.\n",
        "On the surface it works.\n\nOn the other hand, it burns.\n\nOn average: no.\n",
        "Opened at 2026-02-02 09:12:\nnothing\n2026/02/02 09:15: smoke\n",
        'See https://example.org/on-monday-someone-wrote-about-it for how "wrote:" is found.\nAnn\n',
        "On Monday I sent it to Bob <bob@example.org> and asked:\nwill it burn?\n",
        "Hi,\n\nMy colleague wrote on 2.2.2026 at 9:12:\nthe printer burns\nPlease come.\n",
        "Hi,\n\nThe customer wrote on 2.2.2026 at 9:12 to ann@example.org:\nthe printer burns\nPlease come.\n",
        "Results:\n----\n1. fast\n\n====\n2. slow\n",
        "| a | b |\n| 1 | 2 |\n| 3 | 4 |\nthat is the table\n",
        "Look:\n\n| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n",
        "Look:\n\n| id | name |\n+----+------+\n|  1 | Ann  |\n|  2 | Bob  |\n|  3 | Eve  |\n",
        "I typed this:\n\nSQL> startup mount\nSQL> alter database open\n",
        "It says:\n\nOK>\nC:> dir\n",
        "Hi,\n\nOn 12.05.2026 at 10:30 your colleague wrote:\nIt will come tomorrow.\n\nIt has not. Where is it?\n",
        "Hello,\nOn 12.05.2026 at 10:30 your colleague wrote:\n\nIt will come.\n\nIt has not.\n",
        "Yes.\n\n> No?\n\n--\nThen start it again and call me.\n",
        "Yes.\n\n> No?\n\n\u2014\nThen start it again and call me.\n",
        "Yes.\n\n> No?\n\n____________\nThen start it again.\n",
        "> Only the first?\n\nYes.\n\nSent from my iPhone\n",
        "Below.\n\nSent from my iPhone\n\nOn 2 Feb 2026 at 9:12 Support <s@desk.example> wrote:\n> a?\nyes\n> b?\nno\n",
    ],
)
def test_nothing_is_cut(text):
    assert split(text, MARKER) == Split(text, "")


def test_a_trailing_quote_without_attribution_is_cut():
    assert split("Yes.\n\n> No?\n> Really?\n\n", MARKER) == Split("Yes.\n", "\n> No?\n> Really?\n\n")


@pytest.mark.parametrize(
    "trailing",
    [
        "> the rest\n",
        "> the rest\n\nSent from my iPhone\n",
        "> the rest\n\n-- \nAnn\n",
    ],
)
def test_a_quote_below_the_last_answer_is_cut(trailing):
    text = f"Hi,\nOn 2 Feb 2026, Support wrote:\n> a?\n\nYes.\n\n{trailing}"
    found = split(text, MARKER)
    assert found.text == "Hi,\nOn 2 Feb 2026, Support wrote:\n> a?\n\nYes.\n"
    assert whole(found) == text


def test_soft_line_breaks_that_nobody_decoded():
    text = f"Yes.\n\nOn Mon, 2 Feb 2026 at 9:12 Support <support@desk.example> w=\nrote:\n\n> {'a long line ' * 6}=\nof words\n> No?\n"
    assert split(text, MARKER).text == "Yes.\n"


def test_an_error_of_a_server_is_no_quote():
    text = "It came back.\n\n<ann@example.org>: host mx.example.org[192.0.2.1] said:\n    550 no such user\n"
    assert split(text, MARKER) == Split(text, "")


def test_a_forward_with_dashes_on_one_side():
    text = "See below.\n\n> ------ Forwarded Message\n> From: Ann\n> Subject: Printer\n>\n> It burns.\n"
    assert split(text, MARKER) == Split(text, "")


PASTED = "From: Bob <bob@example.org>\nSent: Monday, 2 February 2026\nTo: Ann\nSubject: Printer\n\nIt burns.\n"


def test_a_question_below_pasted_headers_stays():
    text = f"Please ask this person:\n\n{PASTED}\nCan you tell me what to answer him?\n"
    assert split(text, MARKER) == Split(text, "")


@pytest.mark.parametrize(
    "quote",
    [
        f"{BLOCKS['en']}\n\n{MARKER}\n\nNo?\n",
        f"{BLOCKS['en']}\n\nWrite to {TOKEN}\n\nNo?\n",
        f"{ATTRIBUTIONS['en-gmail']}\n\n> No?\n",
        f"{ATTRIBUTIONS['en-gmail']}\n\n> {MARKER}\n>\n> No?\n",
    ],
)
def test_and_what_is_quoted_below_that_is_cut(quote):
    text = f"Please ask this person:\n\n{PASTED}\nWhat do I answer?\n\n"
    found = split(text + quote, MARKER)
    assert found == Split(text[:-1], "\n" + quote, marker_cut=MARKER in quote)


def test_a_footer_below_a_quote_may_be_words_and_is_folded():
    text = "Yes.\n\nOn 2 Feb 2026, Support wrote:\n> No?\n\n____________\nsome list\nlist@example.org\n"
    assert split(text, MARKER) == Split(text, "")
    assert reply.said(text) == "Yes."


def test_a_mail_that_begins_with_headers_is_cut_at_the_quote_below():
    text = f"{BLOCKS['pl']}\n\nYes.\n\n{ATTRIBUTIONS['pl']}\n> No?\n"
    assert split(text, MARKER).text == f"{BLOCKS['pl']}\n\nYes.\n"


def test_a_bracket_that_closes_two_lines_on():
    text = (
        "Yes.\n\nOn Mon, 2 Feb 2026 at 11:16 Support\n\n<\nmailto:Support <support@desk.example>\n> wrote:\n\n\nNo?\n"
    )
    assert split(text, MARKER).text == "Yes.\n"


@pytest.mark.parametrize("below", ["Ltd\n", "Ltd\n\n> a longer quote\n"])
def test_where_the_html_says_that_the_quote_begins(below):
    text = f"Yes.\n\nzgbvt 2, Support\n{below}"
    assert split(text, MARKER, quote_at=text.index("zgbvt"), boxed=True).text == "Yes.\n"


@pytest.mark.parametrize(
    ("below", "cut"),
    [("Ltd\nNo.\n", False), ("Ltd\n> No?\n", True), (f"Ltd\n{TOKEN}\n", True), (f"Ltd\n{MARKER[:30]}\n", True)],
)
def test_without_a_box_answers_may_stand_below(below, cut):
    text = f"Yes.\n\nzgbvt 2, Support\n{below}"
    found = split(text, MARKER, quote_at=text.index("zgbvt"))
    assert found.text == ("Yes.\n" if cut else text)


def test_answers_below_what_the_html_says_stay():
    text = "Yes.\n\nzgbvt 2, Support\n> a?\nNo.\n"
    assert split(text, MARKER, quote_at=text.index("zgbvt")) == Split(text, "")


def test_a_signature_below_the_quote_is_no_answer():
    found = split("Yes.\n\n> No?\n\n-- \nAnn\nExample Ltd\n", MARKER)
    assert found.text == "Yes.\n"


@pytest.mark.parametrize(
    "attribution",
    [
        "20 окт. 2016 г. 19:37 пользователь Support <\nsupport@desk.example> написал:",
        "2016-10-24 15:36 GMT+02:00 A Very Long Name <\nsupport@desk.example>:",
        'Am 21.04.2016 17:48 schrieb "Support" <support@desk.example\n>:',
        "On Mon, Aug 19, 2013 at 2:36 AM, Support <support@desk.example\n> wrote:",
    ],
)
def test_an_attribution_wrapped_at_its_bracket(attribution):
    text = f"My answer.\n\n{attribution}\n\n> Your question?\n"
    found = split(text, MARKER)
    assert found.text == "My answer.\n"
    assert whole(found) == text


@pytest.mark.parametrize(
    "words",
    ["---------- Forwarded message ---------", "Begin forwarded message:", "Anfang der weitergeleiteten Nachricht:"],
)
def test_what_is_forwarded_below_a_word_of_ones_own_stays(words):
    text = f"See below.\n\n{words}\n{BLOCKS['en']}\n\nIt burns.\n"
    assert split(text, MARKER) == Split(text, "")


def test_a_forward_is_not_cut():
    text = f"For your information.\n\n{BLOCKS['en']}\n\nIt burns.\n"
    assert split(text, MARKER, forward=True) == Split(text, "")
    assert split(text, MARKER) == Split(text, "")
    assert reply.said(text) == "For your information."


# --- our marker


@pytest.mark.parametrize(
    "below",
    [
        f"On Mon, Feb 2, 2026 at 9:12 AM Support <\n{TOKEN}> wrote:\n\n> {MARKER}\n>\n> It burns\n",
        f"On Mon, Feb 2, 2026 at 9:12 AM Support <{TOKEN}> wrote:\n> ## Please write your reply above\n> this line ##\n> It burns\n",
        f"> > {MARKER}\n> > It burns\n",
        f"{MARKER}\n\nIt burns\n",
        f"{BLOCKS['en']}\n\n{MARKER}\n\nIt burns\n",
        f"________________________________\n{BLOCKS['de']}\n\n  {MARKER}  \n\nIt burns\n",
        f"-----Original Message-----\n{MARKER}\nIt burns\n",
        f"{ATTRIBUTIONS['fr']}\n\n\xa0{MARKER.replace(' ', chr(0xA0))}\n\nIt burns\n",
        f"| {MARKER}\n| It burns\n",
        f"{MARKER.strip('# ')}\nIt burns\n",
        f"*{MARKER.upper()}*\nIt burns\n",
        f"{ATTRIBUTIONS['en-apple']}\n> {MARKER}\n> It burns\n\n-- \nCarl\n",
    ],
)
def test_the_marker_cuts(below):
    text = f"Please pull the plug.\n\nCarl\n\n{below}"
    found = split(text, MARKER)
    assert (found.text, found.marker_cut, found.own_text_found) == ("Please pull the plug.\n\nCarl\n", True, False)
    assert whole(found) == text


@pytest.mark.parametrize(
    "text",
    [
        f"> {MARKER}\n> It burns\n\nPlease pull the plug.\n",
        f"On 2 Feb 2026 Support wrote:\n> {MARKER}\n> It burns\nPlease pull the plug.\n> more\n",
        f"{MARKER}\n\nIt burns\n\nPlease pull the plug.\n",
        f"Yes.\n> question\nNo.\n> {MARKER}\n> It burns\nand below\n",
        f"On 2 Feb 2026 at 9:12 Support <{TOKEN}> wrote:\n> a question of the customer\nmy answer among\n> {MARKER}\n> It burns\n",
    ],
)
def test_no_cut_is_sure(text):
    assert split(text, MARKER) == Split(text, "", marker_cut=False, own_text_found=True)


def test_a_quote_of_ours_with_nothing_written_is_all_quote():
    text = f"On 2 Feb 2026 Support wrote:\n> {MARKER}\n> It burns\n"
    assert split(text, MARKER) == Split("", text, marker_cut=True)


def test_a_forward_of_our_notice_is_not_cut_to_nothing():
    text = f"{BLOCKS['en']}\n\n{MARKER}\n\nIt burns\n"
    assert split(text, MARKER, forward=True) == Split(text, "", own_text_found=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nothing of ours", False),
        ("write your reply above this line", False),
        ("Please write your response to us", False),
        ("Please write your reply above", True),
        (f"x {MARKER[:26]} y", True),
        ("## Please write\n> your reply above", True),
        (f"see {TOKEN}", True),
        (f"mailto:{TOKEN.replace('+', '%2B').replace('@', '%40')}", True),
        ("ann+news@example.org", False),
    ],
)
def test_own_text(text, expected):
    assert has_own_text(text, MARKER) is expected


def test_an_address_with_a_token_left_in_the_text_is_found():
    assert split(f"Write to {TOKEN} instead.\n", MARKER).own_text_found


def test_without_a_marker_nothing_is_searched_for():
    assert split("a\n## b\n", "") == Split("a\n## b\n", "")
