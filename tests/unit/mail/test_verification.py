"""Mail of services that prove an address: known by sender and words together, in many languages, and by neither alone."""

from __future__ import annotations

import pytest

from helpdeskd.mail.verification import Sign, sign
from helpdeskd.model.people import Person, PersonKind
from tests.unit.desk.routing_cases import mail

V, N = Sign.VERIFICATION, Sign.NO_REPLY

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
    ("carol@customer.example", "I cannot verify my e-mail address", "The confirmation code never comes.", None),
    ("info@small.example", "I cannot sign in to my account", "", None),
    ("team@small.example", "Reset my password", "", None),
    ("reply@customer.example", "Confirm my account", "", None),
    ("verify@service.example", "Invoice", "", None),
    ("dev@slack.com", "My printer burns", "", None),
]


@pytest.mark.parametrize(("author", "subject", "text", "found"), CASES, ids=[f"{row[0]}: {row[1]}" for row in CASES])
def test_what_it_is(author, subject, text, found):
    who = Person(1, PersonKind.CUSTOMER, "", author, 0, "")
    assert sign(mail(who, subject=subject, text=text)) is found


def test_a_mail_of_nobody_is_no_service_s():
    assert sign(mail(None, subject="Your confirmation code")) is None
