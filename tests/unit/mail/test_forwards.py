"""Mails that pass another one on, whole: programs' shapes in their languages, in the text and attached."""

# ruff: noqa: RUF001 - the words are in their own alphabets

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest

from helpdeskd.config import Desk, Intake
from helpdeskd.mail.forwarded import MAX_ATTACHED
from helpdeskd.mail.parse import parse
from helpdeskd.model.mail import Inbound, Kind

WRITTEN = datetime(2026, 2, 3, 8, 12, tzinfo=UTC)  # a Tuesday
WHO = "Grace Hopper <grace@customer.example>"


@dataclass(frozen=True)
class Language:
    """What programs of a language write: Outlook's prefix and labels (from, sent, to, subject) and its date; the line and the labels
    (subject, date, from, to) of Thunderbird; the line and the labels (from, subject, date, to) of Apple Mail."""

    name: str
    prefix: str
    outlook: str
    date: str
    thunderbird: str = ""
    apple: str = ""


# fmt: off
LANGUAGES = [
    Language("en", "FW", "From Sent To Subject", "Tuesday, February 3, 2026 9:12 AM", "Forwarded Message|Subject Date From To", "Begin forwarded message|From Subject Date To"),
    Language("en-gb", "Fwd", "From Sent To Subject", "03 February 2026 09:12", "Forwarded Message|Subject Date From To"),
    Language("de", "WG", "Von Gesendet An Betreff", "Dienstag, 3. Februar 2026 09:12", "Weitergeleitete Nachricht|Betreff Datum Von An", "Anfang der weitergeleiteten Nachricht|Von Betreff Datum An"),
    Language("fr", "TR", "De_ Envoyé_ À_ Objet_", "mardi 3 février 2026 09:12", "Message transféré|Sujet_ Date_ De_ Pour_", "Début du message réexpédié_|De_ Objet_ Date_ À_"),
    Language("es", "RV", "De Enviado~el Para Asunto", "martes, 3 de febrero de 2026 9:12", "Mensaje reenviado|Asunto Fecha De Para", "Inicio del mensaje reenviado|De Asunto Fecha Para"),
    Language("it", "I", "Da Inviato A Oggetto", "martedì 3 febbraio 2026 09:12", "Messaggio Inoltrato|Oggetto Data Mittente A", "Inizio messaggio inoltrato|Da Oggetto Data A"),
    Language("pt", "ENC", "De Enviada~em Para Assunto", "terça-feira, 3 de fevereiro de 2026 09:12", "Mensagem encaminhada|Assunto Data De Para", "Início da mensagem encaminhada|De Assunto Data Para"),
    Language("nl", "Doorst", "Van Verzonden Aan Onderwerp", "dinsdag 3 februari 2026 09:12", "Doorgestuurd bericht|Onderwerp Datum Van Aan", "Begin doorgestuurd bericht|Van Onderwerp Datum Aan"),
    Language("sv", "VB", "Från Skickat Till Ämne", "den 3 februari 2026 09:12", "Vidarebefordrat meddelande|Ämne Datum Från Till", "Vidarebefordrat brev|Från Ämne Datum Till"),
    Language("da", "VS", "Fra Sendt Til Emne", "3. februar 2026 09:12", "Videresendt besked|Emne Dato Fra Til", "Start på videresendt besked|Fra Emne Dato Til"),
    Language("nb", "VS", "Fra Sendt Til Emne", "tirsdag 3. februar 2026 09:12", "Videresendt melding|Emne Dato Fra Til", "Videresendt melding|Fra Emne Dato Til"),
    Language("fi", "VL", "Lähettäjä Lähetetty Vastaanottaja Aihe", "tiistai 3. helmikuuta 2026 9.12", "Edelleenlähetetty viesti|Aihe Päiväys Lähettäjä Vastaanottaja", "Välitetty viesti alkaa|Lähettäjä Aihe Päivämäärä Vastaanottaja"),
    Language("pl", "PD", "Od Wysłano Do Temat", "wtorek, 3 lutego 2026 09:12", "Przekazana wiadomość|Temat Data Nadawca Adresat", "Początek przekazanej wiadomości|Od Temat Data Do"),
    Language("cs", "FW", "Od Odesláno Komu Předmět", "úterý 3. února 2026 9:12", "Přeposlaná zpráva|Předmět Datum Od Komu", "Začátek přeposílané zprávy|Od Předmět Datum Komu"),
    Language("hu", "Továbbítás", "Feladó Elküldve Címzett Tárgy", "2026. február 3., kedd 9:12", "Továbbított üzenet|Tárgy Dátum Feladó Címzett", "Továbbított levél kezdete|Feladó Tárgy Dátum Címzett"),
    Language("ro", "FW", "De~la Trimis Către Subiect", "marți, 3 februarie 2026 09:12"),
    Language("ru", "ПРД", "От Отправлено Кому Тема", "вторник, 3 февраля 2026 г. 9:12", "Перенаправленное сообщение|Тема Дата От Кому", "Начало переадресованного сообщения|От Тема Дата Кому"),
    Language("uk", "FW", "Від Надіслано Кому Тема", "вівторок, 3 лютого 2026 р. 9:12", "Переслане повідомлення|Тема Дата Від Кому"),
    Language("el", "ΠΡΘ", "Από Στάλθηκε Προς Θέμα", "Τρίτη, 3 Φεβρουαρίου 2026 9:12 πμ"),
    Language("tr", "İLT", "Kimden Gönderildi Kime Konu", "3 Şubat 2026 Salı 09:12", "İletilen İleti|Konu Tarih Kimden Kime"),
    Language("ja", "転送", "差出人 送信日時 宛先 件名", "2026年2月3日 9:12", "Forwarded Message|件名 日付 差出人 宛先", "転送されたメッセージ|差出人 件名 日付 宛先"),
    Language("zh-cn", "转发", "发件人 发送时间 收件人 主题", "2026年2月3日 9:12", "转发的邮件|主题 日期 发件人 收件人", "下面是被转发的邮件|发件人 主题 日期 收件人"),
    Language("zh-tw", "轉寄", "寄件者 寄件日期 收件者 主旨", "2026年2月3日 上午 09:12", "Forwarded Message|主旨 日期 寄件者 收件者"),
    Language("ko", "FW", "보낸~사람 보낸~날짜 받는~사람 제목", "2026년 2월 3일 화요일 오전 9:12"),
]
# fmt: on


def labels(words: str) -> list[str]:
    """An underscore is a space before the colon (French), a tilde one in the middle."""
    return [word.replace("_", "\xa0").replace("~", " ") for word in words.split()]


def outlook(language: Language) -> str:
    sender, sent, to, subject = labels(language.outlook)
    return f"{sender}: {WHO}\n{sent}: {language.date}\n{to}: Ada Lovelace <ada@staff.example>\n{subject}: Screen\n\n"


def outlook_html(language: Language) -> str:
    sender, sent, to, subject = labels(language.outlook)
    return (
        '<div style="border:none;border-top:solid #E1E1E1 1.0pt"><p class=MsoNormal>'
        f'<b>{sender}:</b> Grace Hopper &lt;<a href="mailto:grace@customer.example">grace@customer.example</a>&gt; <br>\n'
        f"<b>{sent}:</b> {language.date}<br>\n<b>{to}:</b> Ada Lovelace<br>\n<b>{subject}:</b> Screen</p></div>"
        "<p>It is dark.</p><p>Grace</p>"
    )


def gmail(language: Language) -> str:
    return (
        f"---------- Forwarded message ---------\n{labels(language.outlook)[0]}: {WHO}\nDate: Tue, Feb 3, 2026 at 9:12 AM\n"
        "Subject: Screen\nTo: Ada Lovelace <ada@staff.example>\n\n\n"
    )


def thunderbird(language: Language) -> str:
    line, _, words = language.thunderbird.partition("|")
    subject, date, sender, to = labels(words)
    return (
        f"-------- {line} --------\n{subject}: \tScreen\n{date}: \tTue, 3 Feb 2026 09:12:28 +0100\n{sender}: \t{WHO}\n"
        f"{to}: \tAda Lovelace <ada@staff.example>\n\n\n\n"
    )


def apple(language: Language) -> str:
    line, _, words = language.apple.replace("_", "\xa0").partition("|")
    sender, subject, date, to = labels(words)
    return f"{line}:\n\n{sender}: {WHO}\n{subject}: Screen\n{date}: {language.date}\n{to}: Ada Lovelace <ada@staff.example>\n\n"


def mail(subject: str, text: str = "", html: str = "", **headers: str) -> EmailMessage:
    made = EmailMessage()
    made["From"] = "Ada Lovelace <ada@staff.example>"
    made["To"] = "support@desk.example"
    made["Subject"] = subject
    made["Date"] = "Tue, 03 Feb 2026 10:00:00 +0100"
    made["Message-ID"] = "<forward@staff.example>"
    for name, value in headers.items():
        made[name] = value
    made.set_content(html or text, subtype="html" if html else "plain")
    return made


def read(raw: bytes | EmailMessage) -> Inbound:
    return parse(
        raw if isinstance(raw, bytes) else raw.as_bytes(),
        sender="ada@staff.example",
        instance="i",
        own_addresses=lambda _: False,
        marker=Desk().marker,
        limits=Intake(),
    )


def is_hers(found: Inbound, comment: str) -> None:
    forward = found.forward
    assert forward is not None
    assert forward.author is not None
    assert (forward.author.name, forward.author.email) == ("Grace Hopper", "grace@customer.example")
    assert (forward.subject, forward.comment) == ("Screen", comment)
    assert forward.date is not None
    assert forward.date.replace(second=0) == WRITTEN
    assert " ".join(forward.text.split()) == "It is dark. Grace"
    assert forward.kind is Kind.PERSONAL
    assert "grace@customer.example" in forward.head


SHAPES = [
    (shape, language)
    for language in LANGUAGES
    for shape in (outlook, outlook_html, gmail, thunderbird, apple)
    if getattr(language, shape.__name__, "-")
]


@pytest.mark.parametrize(
    ("shape", "language"), SHAPES, ids=lambda one: getattr(one, "name", getattr(one, "__name__", ""))
)
def test_in_the_text(shape, language):
    for comment in ("", "He is important.\n\nAda"):
        if shape is outlook_html:
            above = "".join(f"<p>{line}</p>" for line in comment.split("\n\n")) if comment else ""
            is_hers(read(mail(f"{language.prefix}: Screen", html=above + shape(language))), comment)
        else:
            body = f"{comment}\n\n{shape(language)}" if comment else shape(language)
            is_hers(read(mail(f"{language.prefix}: Screen", body + "It is dark.\n\nGrace\n")), comment)


@pytest.mark.parametrize("language", [each for each in LANGUAGES if each.apple], ids=lambda each: each.name)
def test_the_line_says_it_where_the_subject_does_not(language):
    quoted = "".join(f"> {line}\n" for line in (apple(language) + "It is dark.\n\nGrace").split("\n"))
    is_hers(read(mail("For you", f"Look.\n\n{quoted}")), "Look.")
    assert read(mail("For you", f"Look.\n\n{outlook(language)}It is dark.\n\nGrace\n")).forward is None


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Fwd: Screen", "It is dark."),
        ("Re: Screen", "It is lit.\n\nFrom: Grace <grace@customer.example>\nSent: Monday\nTo: Ada\nSubject: Screen\n\nDark."),
        ("VS: Näyttö", "Kiitos.\n\nLähettäjä: Grace <grace@customer.example>\nLähetetty: 3.2.2026\nVastaanottaja: Ada\nAihe: Näyttö\n\nPimeä."),
        ("Re: Screen", "Yes.\n\nOn 3 Feb 2026, Grace <grace@customer.example> wrote:\n> Begin forwarded message:\n> From: x@y.example\n> Date: 3 Feb 2026\n> Subject: s"),
        ("Fwd", ""),
    ],
)  # fmt: skip
def test_what_is_none(subject, text):
    assert read(mail(subject, text)).forward is None


def test_somebody_without_an_address():
    forward = read(mail("Fwd: Screen", "From: Grace Hopper\nSent: Monday\nTo: Ada\nSubject: Screen\n\nDark.")).forward
    assert forward is not None
    assert forward.author is None


def test_a_date_ahead_of_its_forward_is_none():
    text = outlook(LANGUAGES[0]).replace("February 3", "March 3") + "Dark."
    forward = read(mail("Fwd: Screen", text)).forward
    assert forward is not None
    assert forward.date is None


# -- attached


def original(**headers: str) -> EmailMessage:
    made = EmailMessage()
    made["From"] = WHO
    made["To"] = "ada@staff.example"
    made["Subject"] = headers.pop("Subject", "Screen")
    made["Date"] = "Tue, 03 Feb 2026 09:12:00 +0100"
    made["Message-ID"] = "<original@customer.example>"
    made["References"] = "<older@customer.example>"
    for name, value in headers.items():
        made[name] = value
    made.set_content("It is dark.\n\nGrace\n")
    made.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="bill.pdf")
    return made


def passing(subject: str, *originals: EmailMessage) -> EmailMessage:
    made = mail(subject, "He is important.\n")
    for each in originals:
        made.add_attachment(each)
    return made


@pytest.mark.parametrize("subject", ["Fwd: Screen", "WG: Bildschirm", "", "Screen", "screen (fwd)"])
def test_attached(subject):
    found = read(passing(subject, original()))
    forward = found.forward
    assert forward is not None
    assert forward.author is not None
    assert forward.author.email == "grace@customer.example"
    assert (forward.subject, forward.comment, forward.date) == ("Screen", "He is important.", WRITTEN)
    assert forward.text.strip() == "It is dark.\n\nGrace"
    assert [part.name for part in forward.parts] == ["bill.pdf"]
    assert [part.sha256 for part in found.parts] == [forward.attached]
    assert (forward.message_id, forward.references) == ("original@customer.example", ("older@customer.example",))
    assert [part.name for part in found.files] == ["Screen.eml", "bill.pdf"]
    assert not any(part.data for part in found.without_bytes().files)


def test_attached_and_not_passed_on():
    assert read(passing("About my mail", original())).forward is None
    assert read(passing("Fwd: both", original(), original(Subject="Mouse"))).forward is None
    assert read(passing("Fwd: ours", original(**{"X-Helpdeskd-Loop": "i"}))).forward is None


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({"Auto-Submitted": "auto-generated"}, Kind.AUTO_GENERATED),
        ({"Precedence": "bulk"}, Kind.LIST),
        ({"Return-Path": "<>"}, Kind.NULL_PATH),
        ({"X-Failed-Recipients": "x@y.example"}, Kind.BOUNCE),
    ],
)
def test_attached_by_a_machine(headers, kind):
    forward = read(passing("Fwd: Screen", original(**headers))).forward
    assert forward is not None
    assert forward.kind is kind
    assert forward.kind_why


def test_a_forward_of_a_forward_is_its_forwarders():
    """Only the outermost is looked into."""
    inner = passing("Fwd: Screen", original())
    forward = read(passing("Fwd: Screen", inner)).forward
    assert forward is not None
    assert forward.author is not None
    assert forward.author.email == "ada@staff.example"


def test_a_huge_mail_stays_a_file():
    large = original()
    large.add_attachment(b"x" * MAX_ATTACHED, maintype="application", subtype="zip", filename="all.zip")
    found = read(passing("Fwd: Screen", large))
    assert found.forward is None
    assert len(found.parts) == 1


def test_a_mail_that_is_no_forward_is_not_looked_into_twice(monkeypatch):
    calls: list[str] = []
    monkeypatch.setattr("helpdeskd.mail.forwarded.read", lambda text: calls.append(text))
    read(mail("Screen", "It is dark:\n\n- very\n> dark\n"))
    assert calls == []
