"""What ends a letter, in many languages; and what only looks so."""

# ruff: noqa: RUF001 - the words are in their own alphabets

from __future__ import annotations

import pytest

from helpdeskd.mail.page import Page
from helpdeskd.mail.signatures import is_program, start

PROGRAMS = """
    Sent from my iPhone
    Sent from my Galaxy S24 Ultra
    Sent from my Carrier, Samsung Galaxy smartphone
    Sent from my cell, please forgive the typos.
    Sent from my XY-99
    (sent from a phone)
    <<sent by galaxy>>
    Sent via mobile
    Sent with Proton Mail secure email.
    Sent from Mail<https://example.org/x> for Windows
    Sent from [Mail](https://example.org/?Link=1) for Windows 11
    Sent from Yahoo Mail on Android
    Get Outlook for iOS<https://example.org/o>
    Get [Outlook for Android](https://example.org/o)
    Get Outlook for iOShttps://example.org/o
    Von meinem iPhone gesendet
    Gesendet mit der GMX Mail App
    Gesendet von Outlook für Android<https://example.org/o>
    Diese Nachricht wurde von meinem Android-Gerät mit K-9 Mail gesendet.
    Envoyé de mon iPhone
    Envoyé à partir de Outlook pour iOS
    Télécharger Outlook pour Android
    Enviado desde mi iPhone
    Enviado do meu iPhone
    Inviato da iPhone
    Verzonden vanaf mijn iPhone
    Verzonden met BlackBerry Work
    Skickat från min iPhone
    Sendt fra min iPhone
    Lähetetty iPhonesta
    Wysłane z iPhone'a
    Odesláno z iPhonu
    Отправлено с iPhone
    Надіслано з iPhone
    iPhone'umdan gönderildi
    Στάλθηκε από το iPhone μου
    Trimis de pe iPhone
    Elküldve az iPhone-omról
    Gửi từ iPhone của tôi
    iPhoneから送信
    나의 iPhone에서 보냄
    发自我的 iPhone
    從我的 iPhone 傳送
    נשלח מה-iPhone שלי
    أرسلت من iPhone
"""


@pytest.mark.parametrize("line", [one.strip() for one in PROGRAMS.strip().split("\n")])
def test_lines_of_programs(line):
    assert is_program(line)
    text = f"It burns.\n\n{line}\n"
    assert start(Page(text)) == 2


@pytest.mark.parametrize(
    "line",
    [
        "Sent from my desk, which is easier than from my mobile phone.",
        "Sent from my iPhone is what it always says",
        "Sent by mail yesterday",
        "Sent via mail on Monday",
        "Sent by mail.",
        "Sent from our warehouse on Monday",
        "I get mail from my phone provider",
        "Get the phone fixed please",
        "Get Windows to boot",
        "Get Outlook fixed.",
        "Get mail from the server",
        "From Android I cannot log in",
        "From my phone it does not work",
        "From my side fine",
        "Please contact me via mobile",
        "Gesendet von Hand",
        "Von meinem Kollegen",
        "Envoyé de Paris",
        "Enviado desde Madrid",
        "Yes",
        "",
    ],
)
def test_sentences_are_none(line):
    assert not is_program(line)
    text = f"It burns.\n\n{line}\n"
    assert start(Page(text)) == len(Page(text).lines)


@pytest.mark.parametrize(
    "signature",
    [
        "-- \nAnn\nExample Ltd\n",
        "--\nAnn\n",
        "\u2014\nAnn\n",
        "-- \nAnn\n\n-- \nExample Ltd\n",
        "-- \nAnn\n\nSent from my iPhone\n",
        "Sent from my iPhone\n\nGet Outlook for iOS\n",
        "____________\nsome list\nlist@example.org\n",
        "-Ann Example\n",
        "-Ann\n\n__\nsome list\n",
        "Disclaimer\n\nNobody may read this.\n\nNobody.\n",
        "*Confidentiality notice:*\nNobody may read this.\n",
        "Sent from my iPhone\n\nWhat is it you ask?\n",
    ],
)
def test_signatures(signature):
    assert start(Page(f"It burns.\n\n{signature}")) == 2


@pytest.mark.parametrize(
    "text",
    [
        "-- \nAnn\n",  # nothing else
        "Sent from my iPhone\n",
        "a -- b\n",
        "- one\n- two\n\n- Three\n",
        "- one\n--\n- three\n",
        "Results\n----\nfast\n",
        "______\na table\n\nand more\n",
        "Results\n______\nall of them fast\n",
        "Yes\n\n-v gives more\n",
        "Yes\n\n-Please restart it now and tell me\n",
        "Is it the disclaimer?\nYes\n",
        "Yes.\n\nSent from my iPhone\n\n> a?\nyes\n> b?\nno\n",
        "\n".join(["a", "--", *"b" * 20]),
    ],
)
def test_no_signature(text):
    assert start(Page(text)) == len(Page(text).lines)
