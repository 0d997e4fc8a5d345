"""Mail of services that prove an address: known by sender and words together, in many languages, and by neither alone."""

# ruff: noqa: RUF001 - the words are in their own alphabets

from __future__ import annotations

import pytest

from helpdeskd.mail.verification import Sign, sign, takes_no_part
from helpdeskd.model.people import Person, PersonKind
from tests.unit.desk.routing_cases import mail

V, N, W = Sign.VERIFICATION, Sign.NO_REPLY, Sign.WORDS

CASES = [
    ("no-reply@service.example", "Your confirmation code: ABC-123", "", V),
    ("No_Reply@Service.example", "Welcome", "Hello,\nplease verify your e-mail address.", V),
    ("account-security-noreply@login.service.example", "Your single-use code", "", V),
    ("noreply+71b2@service.example", "You are invited to join a workspace", "", V),
    ("feedback@slack.com", "Sign-in code", "", V),
    ("registration@facebookmail.com", "12345 is your confirmation code", "", V),
    ("a@eu.mail.notion.so", "Your temporary login code is here", "", V),
    ("verify@service.example", "Activate your account", "", V),
    ("notifications@service.example", "Reset your password", "", V),
    ("nicht-antworten@dienst.example", "Bestätigen Sie Ihre E-Mail-Adresse", "", V),
    ("noreply@dienst.example", "Ihr Sicherheitscode", "", V),
    ("ne-pas-repondre@service.example", "Votre code de vérification", "", V),
    ("noresponder@servicio.example", "Confirma tu correo", "", V),
    ("noreply@servizio.example", "Conferma il tuo indirizzo", "", V),
    ("noreply@dienst.example", "Bevestig uw account", "", V),
    ("noreply@usluga.example", "Potwierdź adres", "", V),
    ("noreply@service.example", "Подтвердите адрес почты", "", V),
    ("noreply@hizmet.example", "Hesap doğrulama kodu", "", V),
    ("noreply@service.example", "認証コードのお知らせ", "", V),
    ("noreply@service.example", "您的验证码", "", V),
    ("noreply@service.example", "인증 코드", "", V),
    ("no-reply@shop.example", "Invoice 4711", "Thank you.", N),
    ("donotreply@shop.example", "Your parcel", "", N),
    (
        "no-reply@shop.example",
        "Invoice",
        "x\n" * 2000 + "confirm your e-mail",
        N,
    ),  # it stands at the top, or nobody means it
    ("carol@customer.example", "I cannot verify my e-mail address", "The confirmation code never comes.", W),
    ("info@small.example", "I cannot sign in to my account", "", W),
    ("team@small.example", "Reset my password", "", W),
    ("reply@customer.example", "Confirm my account", "", W),
    ("verify@service.example", "Invoice", "", None),
    ("dev@slack.com", "My printer burns", "", None),
    # programs of houses, by names of their own
    ("gitlab@mg.gitlab.com", "Confirmation instructions", "Click the link to confirm your email address.", V),
    ("service@paypal.de", "Bestätigen Sie Ihre E-Mail-Adresse", "", V),
    ("account-update@amazon.co.uk", "Verify your new account", "", V),
    ("account_service@mail.yahoo.co.jp", "確認コードのお知らせ", "", V),
    ("ebay@ebay.com", "Bestätigen Sie Ihre E-Mail-Adresse", "", V),
    ("info@mailer.netflix.com", "Hello", "Enter this code to sign in", V),
    ("appleid@id.apple.com", "Bestätige deine Apple-ID-E-Mail-Adresse", "", V),
    # services that nobody has listed
    ("hello@tiny.example", "Verify your e-mail", "", W),
    ("hallo@klein.example", "Ihre E-Mail-Adresse: bitte bestätigen", "", W),
    ("bonjour@petit.example", "Confirmez votre adresse e-mail", "", W),
    ("hola@chico.example", "Confirma tu e-mail", "", W),
    ("ciao@piccolo.example", "Conferma il tuo indirizzo", "", W),
    ("czesc@maly.example", "Potwierdź swój adres e-mail", "", W),
    ("ola@pequeno.example", "Redefina a sua senha: acesso", "", W),
    ("hoi@klein.example", "Bevestig je e-mailadres", "", W),
    ("hej@liten.example", "Bekräfta din e-postadress", "", W),
    ("i@small.example", "ยืนยันอีเมลของคุณ", "", W),
    ("i@small.example", "Ｖｅｒｉｆｙ your account", "", W),
    # a number, and what it is
    ("noreply@service.example", "123456", "Your code is 123456.", V),
    ("noreply@service.example", "Witaj", "Twój kod to 1234", V),
    ("noreply@service.example", "Hallo", "Ihr Code:\n123 456", V),
    ("noreply@service.example", "Magic link", "", V),
    ("noreply@shop.example", "Invoice 4711", "Use the code FRIEND.", N),
    # people
    ("carol@x.com", "Hi", "I cannot log in to my account", None),
    ("joe@slack.com", "Hi", "we cannot access our account", None),
    ("tino.reply@x.example", "a", "please confirm my account", None),
    ("casino.reply@x.example", "a", "my account access", None),
    ("pino.replyson@x.example", "a", "confirm my account", None),
    ("confirm@hotel.example", "Booking", "Please confirm the address", None),
    ("mailer@printshop.example", "Bestellung", "Bitte bestätigen Sie die Adresse", None),
]


@pytest.mark.parametrize(("author", "subject", "text", "found"), CASES, ids=[f"{row[0]}: {row[1]}" for row in CASES])
def test_what_it_is(author, subject, text, found):
    who = Person(1, PersonKind.CUSTOMER, "", author, 0, "")
    assert sign(mail(who, subject=subject, text=text)) is found


def test_a_mail_of_nobody_is_no_service_s():
    assert sign(mail(None, subject="Your confirmation code")) is None


def test_who_takes_no_part_in_a_conversation():
    asked = ["no-reply@x.example", "gitlab@mg.gitlab.com", "hello@figma.com", "joe@slack.com", "confirm@hotel.example"]
    assert [takes_no_part(each) for each in asked] == [True, True, True, False, False]
