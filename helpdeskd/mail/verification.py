"""Does a service write to find out who reads an address? Whoever shows its code or link to others gives its own name away.

A stranger registers somewhere as support@ours: what the service then writes to us must reach nobody outside, whatever ticket it is
led to. Words alone are a weak sign, since customers write about their log-ins: from a sender that takes no answers, or one that
services use, they are a sure one. What a weak sign means depends on the ticket (desk.routing).
"""

# ruff: noqa: RUF001 - the words are in their own alphabets

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from functools import lru_cache

from helpdeskd.mail.ids import split_detail
from helpdeskd.model.mail import Inbound

SAID = 1500  # characters of the text: what is wanted stands at the top


class Sign(StrEnum):
    WORDS = "words"  # its subject speaks of what lets somebody in: so do services that nobody has listed, and customers
    NO_REPLY = "no-reply"  # its sender takes no answers
    VERIFICATION = "verification"  # ... or is a service's, and it asks for proof of an address, or lets somebody in


_BETWEEN = re.compile(r"[\W_]+")  # words: of Apple-ID-E-Mail-Adresse, too


def _table(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for line in text.strip().splitlines() for word in line.split("|"))


def _beginnings(text: str) -> tuple[str, ...]:
    """Of words; anywhere in them with a star, and in scripts that have no spaces between words."""
    words = (word if word[0] == "*" or word[0] >= "\u0590" else f" {word}" for word in _table(text))
    return tuple(_plain(word.removeprefix("*")) for word in words)


def _plain(line: str) -> str:
    return _BETWEEN.sub(" ", unicodedata.normalize("NFKC", line).lower())


# Parts of local parts; dots, dashes and underscores do not matter where one begins with a part of its own (tino.reply is a name).
_NO_REPLY = _table("""
    noreply | noreplies | notreply | nonreply | dontreply | donotrespond | noresponse | nepasrepondre | nepasrepondez
    pasdereponse | noresponder | norespondas | naoresponda | naoresponder | nonrispondere | nichtantworten | keineantwort
    nietbeantwoorden | geenantwoord | nietreageren | svarikke | ikkesvar | svarainte | alavastaa | nieodpowiadaj | neodpovidat
    neodgovaraj | nevalaszolj | nuraspunde | unmonitored | unattended
""")
# Whole local parts that programs send from, and hardly any people: no info, team or hello, which small houses write from. Their
# mail's subject has to say it.
_ROLES = frozenset(
    _table("""
    accountsecurity | activate | activation | appleid | auth | authentication | confirm | confirmation | confirmations
    mailer | notification | notifications | notify | otp | signup | validate | validation | verify | verification
""")
)
# Domains that programs alone write from.
_SERVICES = frozenset(
    _table("""
    accountprotection.microsoft.com | accounts.google.com | am.atlassian.com | creators.gumroad.com | discord.com
    discordapp.com | docusign.net | dropboxmail.com | e.stripe.com | em.dropbox.com | email.apple.com | email.slackhq.com
    email.zoom.us | emails.airtable.com | facebookmail.com | id.apple.com | id.atlassian.com | insideapple.apple.com | instagram.com
    intercom-mail.com | mail.instagram.com | mail.notion.so | mail.shopify.com | mailer.netflix.com | mailer.zoho.com | makenotion.com
    mg.gitlab.com | noreply.github.com | notifications.heroku.com | online.adobe.com | redditmail.com | slackhq.com
    verify.twilio.com | yammer.com
""")
)
# Houses whose people have addresses there as well: their programs write under the names below. With any ending: ebay.co.uk.
_HOUSES = frozenset(
    _table("""
    1password | adobe | airbnb | airtable | amazon | amazonaws | apple | asana | atlassian | auth0 | bitbucket | booking | canva
    cloudflare | coinbase | digitalocean | discord | docusign | dropbox | ebay | etsy | evernote | facebook | figma | github
    gitlab | godaddy | google | heroku | hetzner | hubspot | indeed | instagram | intercom | intuit | leboncoin | linkedin | linode
    mailchimp | mailgun | mercadolibre | mercadolivre | meta | microsoft | monday | netflix | netlify | nintendo | notion | okta | openai
    ovh | paypal | pinterest | reddit | salesforce | sendgrid | shopify | signal | slack | snapchat | spotify | stripe | telegram
    tiktok | trello | tumblr | twilio | twitch | twitter | uber | vercel | whatsapp | wise | wordpress | x | xing | yahoo | zendesk
    zoho | zoom
""")
)
_PROGRAMS = frozenset(
    _table("""
    account | accounts | accountservice | accountupdate | admin | alert | alerts | billing | care | community | contact | cuentas
    customerservice | feedback | hello | help | hi | hola | id | info | invitation | invitations | invite | invites | login | logins
    mail | member | members | membership | news | password | register | registration | security | service | serviceclient | services
    support | team | updates | user | users | welcome
""")
)
# One of each in one line: what is to be done, and with what. Beginnings of words, in lower case.
_ACTS = _beginnings("""
    verif | confirm | activat | validat | authenticat | one-time | one time | single-use | two-factor | 2-step | 2fa | otp
    magic | your code | your pin | sign in | sign-in | signin | log in | log-in | login | security | access | reset | recover | forgot | invite | join
    complete your | finish | bestätig | aktivier | zurücksetz | anmeld | einmal | sicherheit | zugang | einladung | vérifi
    valid | activ | réinitialis | connexion | sécurité | invité | confirma | restablec | recuper | seguridad | acceso | ativ
    redefin | segurança | conferm | attiv | reimpost | sicurezza | accesso | bevestig | activeer | herstel | beveilig | bekräft
    aktiver | återställ | säkerhet | bekræft | bekreft | sikkerhed | sikkerhet | nulstil | tilbakestill | engangs | vahvist
    aktivoi | palaut | potwierd | weryfik | aktyw | resetuj | potvrd | potvrz | ověř | aktiv | obnov | erősít | aktivál | ellenőrz
    verificare | activare | подтвер | активир | активац | провер | сброс | восстанов | безопасн | підтвер | перевір | doğrula
    onay | etkinleştir | sıfırla | επιβεβαί | επαλήθευ | ενεργοπο | אימות | איפוס | تحقق | تأكيد | تفعيل | 認証 | 確認 | 登録 | 再設定
    ログイン | 验证 | 驗證 | 激活 | 重置 | 登录 | 確認 | 인증 | 확인 | 재설정 | xác minh | xác nhận | xác thực | đặt lại | verifikasi | konfirmasi
    ยืนยัน | รีเซ็ต
""")
_THINGS = _beginnings("""
    *code | link | e-mail | email | account | address | password | passcode | registration | sign-up | signup | identity
    workspace | workplace | instruction | team | subscription | pin | token | adresse | konto | passwort | kennwort | anmeldung | registrierung | mot de passe
    compte | courriel | inscription | código | codigo | correo | cuenta | contraseña | dirección | registro | conta | senha | endereço
    cadastro | codice | indirizzo | iscrizione | registrazione | adres | wachtwoord | e-post | epost | kod | lösenord | adgangskode
    passord | *kode | sähköposti | tili | salasana | *koodi | hasło | kód | účet | heslo | adresu | fiók | jelszó | cod | cont | parol
    код | почт | адрес | аккаунт | учетн | учётн | пошт | акаунт | e-posta | hesab | kodu | şifre | parola | κωδικ | λογαριασμ
    διεύθυνσ | קוד | חשבון | כתובת | סיסמ | رمز | حساب | البريد | كلمة | コード | メール | アドレス | パスワード | 码 | 碼 | 邮 | 郵 | 账 | 帳 | 密
    코드 | 번호 | 이메일 | 계정 | 비밀번호 | mã | tài khoản | mật khẩu | email | kata sandi | akun | รหัส | อีเมล | บัญชี
""")


# What a service that takes no answers may say of a number, and nothing else.
_CODES = _beginnings("""
    *code | *kode | *koodi | kod | kód | código | codigo | codice | kodu | pin | otp | passcode | cod | код | κωδικ | קוד | رمز | コード
    码 | 碼 | 코드 | 번호 | mã | รหัส
""")
_NUMBER = re.compile(r"(?<!\d)\d{3} ?\d{1,5}(?!\d)")


def sign(inbound: Inbound) -> Sign | None:
    """What this mail's sender and words say; None for nearly all."""
    if inbound.author is None:
        return None
    silent, serves, role = _sender(inbound.author.email.lower())
    subject, text = inbound.subject[:SAID], inbound.text[:SAID] if silent or serves else ""
    said = _says(subject)
    if (said and role) or ((silent or serves) and (said or _lets_in(subject, text))):
        return Sign.VERIFICATION
    if silent:
        return Sign.NO_REPLY
    return Sign.WORDS if said else None


def takes_no_part(email: str) -> bool:
    """Is it what programs alone write from? Nobody who is drawn into a conversation answers from there."""
    silent, serves, _ = _sender(email.lower())
    return silent or serves


@lru_cache(maxsize=1024)
def _sender(email: str) -> tuple[bool, bool, bool]:
    """Does it take no answers? Is it a service's? Has it a name that programs have?"""
    local, _, domain = split_detail(email)[0].rpartition("@")
    parts = [part for part in _BETWEEN.split(local) if part]
    name = "".join(parts)
    silent = any(word in part for part in parts for word in _NO_REPLY) or any(
        "".join(parts[first:]).startswith(_NO_REPLY) for first in range(len(parts))
    )
    labels = domain.split(".")
    ends = [".".join(labels[first:]) for first in range(max(0, len(labels) - 4), len(labels))]
    house = labels[-3] if len(labels) > 2 and len(labels[-2]) <= 3 and labels[-2] not in _HOUSES else labels[-2:][0]
    programs = house in _HOUSES and (name in _PROGRAMS or name in _ROLES or name == house)
    return silent, programs or any(end in _SERVICES for end in ends), name in _ROLES


@lru_cache(maxsize=64)  # each mail is asked several times on its way
def _says(line: str) -> bool:
    plain = f" {_plain(line)}"
    return _has(_ACTS, plain) and _has(_THINGS, plain)


@lru_cache(maxsize=64)
def _lets_in(subject: str, text: str) -> bool:
    lines = [f" {_plain(line)}" for line in (subject, *text.splitlines())]
    if any(_has(_ACTS, line) and _has(_THINGS, line) for line in lines):
        return True
    coded = [line for line in lines if _has(_CODES, line)]
    alone = any(_NUMBER.fullmatch(line.strip()) for line in lines)
    return bool(coded) and (alone or any(_NUMBER.search(line) for line in coded))


def _has(words: tuple[str, ...], line: str) -> bool:
    return any(word in line for word in words)
