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
    Sent from my iPad
    Sent from my mobile device
    Sent from my Samsung Galaxy smartphone.
    Sent from my Verizon, Samsung Galaxy smartphone
    Sent from my T-Mobile 5G Device
    Sent from my BlackBerry 10 smartphone on the Example network.
    Sent from my Windows Phone
    Sent from my Pixel 9
    Sent from Samsung Mobile
    Sent from Mail for Windows
    Sent from Mail for Windows 10
    Sent from Outlook for iOS
    Sent from Outlook
    Sent from Yahoo Mail for iPhone
    Sent from Gmail Mobile
    Sent from AOL Mobile Mail
    Sent from ProtonMail mobile
    Sent from Proton Mail for iOS
    Sent from Proton Mail Android
    Sent with ProtonMail Secure Email.
    Sent via Superhuman
    Sent via Superhuman ( https://superhuman.example/?vip=x )
    Sent via the Samsung Galaxy S24, an AT&T 5G smartphone
    Sent from Spark
    Sent with Spark
    Sent with Airmail
    Sent from Airmail for iOS
    Sent from BlueMail for Android
    Sent from Blue
    Sent from Nine
    Sent from Zoho Mail
    Sent from HEY
    Sent with Shortwave
    Sent from Canary
    Sent with Mailbird
    Sent from Tutanota
    Sent with Tuta; enjoy secure & ad-free emails:
    Sent from myMail for iOS
    Sent from my iPhone using Mail.ru
    Sent from Yandex.Mail for mobile
    Sent using Zoho Mail
    Sent from Edison Mail for iOS
    Sent from Newton Mail
    Sent from Front
    Sent with Missive
    Sent from eM Client
    Sent from Thunderbird Mobile for Android
    Sent from my Huawei phone
    Sent from my phone, please excuse typos
    Sent from my mobile phone. Please excuse brevity.
    Get Outlook for iOS
    Get Outlook for Android<https://aka.example/x>
    Get BlueMail for Android
    Get Spark for iOS
    Yahoo Mail: Search, Organize, Conquer
    Outlook for iOS herunterladen
    Outlook für iOS beziehen
    Holen Sie sich Outlook für iOS
    Von meinem iPad gesendet
    Gesendet von meinem iPhone
    Gesendet von Mail für Windows
    Gesendet mit der mobilen Mail App
    Gesendet mit der WEB.DE Mail App
    Gesendet von Yahoo Mail auf Android
    Von meinem Samsung Galaxy Smartphone gesendet.
    Diese Nachricht wurde von meinem Android-Mobiltelefon mit GMX Mail gesendet.
    Envoyé depuis mon mobile Orange
    Envoyé à partir de Courrier pour Windows
    Envoyé depuis mon appareil Galaxy
    Envoyé depuis l'application Mail Orange
    Obtenir Outlook pour iOS
    Télécharger Outlook pour iOS
    Enviado desde Correo para Windows 10
    Enviado desde mi Samsung Mobile de Claro
    Obtener Outlook para Android
    Enviado do meu Galaxy
    Enviado do Correio para Windows
    Obter o Outlook para iOS
    Inviato dal mio Galaxy
    Inviato da Posta per Windows
    Inviato da Outlook per Android
    Scarica Outlook per iOS
    Verstuurd vanaf mijn iPhone
    Verzonden vanaf Samsung Mobile
    Verzonden vanuit Mail voor Windows
    Outlook voor iOS downloaden
    Skickades från E-post för Windows
    Hämta Outlook för iOS
    Sendt fra Mail til Windows
    Hent Outlook til iOS
    Sendt fra Outlook for Android
    Skaff deg Outlook for iOS
    Lähetetty Samsung Galaxy -laitteesta.
    Hanki Outlook for Android
    Wysłano z telefonu Samsung Galaxy
    Wysłane z aplikacji Poczta dla Windows
    Pobierz program Outlook dla systemu iOS
    Odesláno z mobilního telefonu
    Získejte Outlook pro Android
    Odoslané z iPhonu
    Az iPhone készülékemről küldve
    Elküldve a Galaxy készülékemről
    Az Outlook letöltése iOS rendszerhez
    Trimis de pe iPhone-ul meu
    Отправлено из мобильной Почты Mail.ru
    Отправлено из Outlook для iOS
    Отправлено из мобильной Яндекс Почты
    Отправлено с моего Samsung Galaxy
    Скачать Outlook для iOS
    Изпратено от моя iPhone
    Samsung cihazımdan gönderildi
    Android için Outlook'u edinin
    Poslano s mog iPhonea
    Poslano z iPhone
    Poslato sa mog iPhone telefona
    Išsiųsta iš mano iPhone
    Nosūtīts no mana iPhone
    Saadetud minu iPhone'ist
    私のiPhoneから送信
    Outlook for iOSを入手
    Windows 版のメールから送信
    Outlook for iOS 다운로드
    발신 : Windows용 메일
    发自我的iPhone
    从 Windows 版邮件发送
    获取 Outlook for iOS
    從我的iPhone傳送
    取得 iOS 版 Outlook
    Đã gửi từ iPhone của tôi
    Tải Outlook cho iOS
    ส่งจาก iPhone ของฉัน
    Dikirim dari iPhone saya
    Dapatkan Outlook untuk iOS
    احصل على Outlook لـ iOS
    أُرسلت من الـ iPhone
    تم الإرسال من هاتف Samsung Galaxy الذكي.
    Enviat des del meu iPhone
    Sent frá iPhone
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
        "Sent from my office in Berlin, so the address differs.",
        "Sent from Outlook it looks different than from Thunderbird.",
        "I have sent it from my iPhone",
        "Sent from my account it fails, sent from hers it works",
        "Sent with DHL",
        "Sent by courier",
        "Sent via the portal, ticket 12",
        "Get Outlook to work, please",
        "Get Outlook for Anna and me",
        "Get Spark to stop",
        "Sent from",
        "The mail was sent from my iPhone.",
        "Sent from my iPhone the mail looks broken",
        "Gesendet von unserem Server um 10:00",
        "Gesendet mit Bestätigung",
        "Von meinem Konto gesendet, nicht von ihrem",
        "Von meinem iPhone gesendet, kommt nichts an",
        "Enviado desde la oficina",
        "Envoyé par erreur",
        "Download Outlook again?",
        "Outlook herunterladen hilft nicht",
        "From my iPhone I cannot log in",
        "Mit Outlook gesendet kommt alles an",
        "Inviato da Mario",
        "Отправлено из дома",
        "Sent with love",
        "Wysłane z Krakowa",
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
