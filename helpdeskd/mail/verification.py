"""Does a service write to find out who reads an address? Whoever shows its code or link to others gives its own name away.

A stranger registers somewhere as support@ours: what the service then writes to us must reach nobody outside, whatever ticket it is
led to. Words alone are no sign, since customers write about their log-ins: they must come from a sender that takes no answers, or
from one that services use.
"""

# ruff: noqa: RUF001 - the words are in their own alphabets

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache

from helpdeskd.mail.ids import split_detail
from helpdeskd.model.mail import Inbound

SAID = 1500  # characters of the text: what is wanted stands at the top


class Sign(StrEnum):
    NO_REPLY = "no-reply"  # its sender takes no answers
    VERIFICATION = "verification"  # ... or is a service's, and it asks for proof of an address, or lets somebody in


_BETWEEN = re.compile(r"[^\w-]+")  # words


def _table(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for line in text.strip().splitlines() for word in line.split("|"))


def _beginnings(text: str) -> tuple[str, ...]:
    """Of words; anywhere in them with a star, and in scripts that have no spaces between words."""
    words = (word if word[0] == "*" or word[0] >= "\u0590" else f" {word}" for word in _table(text))
    return tuple(word.removeprefix("*") for word in words)


# Parts of local parts, without dots, dashes and underscores.
_NO_REPLY = _table("""
    noreply | noreplies | notreply | nonreply | dontreply | donotrespond | noresponse | nepasrepondre | nepasrepondez
    pasdereponse | noresponder | norespondas | naoresponda | naoresponder | nonrispondere | nichtantworten | keineantwort
    nietbeantwoorden | geenantwoord | nietreageren | svarikke | ikkesvar | svarainte | alavastaa | nieodpowiadaj | neodpovidat
    neodgovaraj | nevalaszolj | nuraspunde | unmonitored | unattended
""")
# Whole local parts that programs send from, and hardly any people: no info, team or hello, which small houses write from.
_ROLES = frozenset(
    _table("""
    accountsecurity | activate | activation | appleid | auth | authentication | confirm | confirmation | confirmations
    mailer | notification | notifications | notify | otp | signup | validate | validation | verify | verification
""")
)
# Whose programs write under other names: domains where few people have an address.
_SERVICES = frozenset(
    _table("""
    docusign.net | dropboxmail.com | facebookmail.com | instagram.com | mail.notion.so | makenotion.com | redditmail.com
    slack.com | twitter.com | x.com | yammer.com
""")
)
# One of each in one line: what is to be done, and with what. Beginnings of words, in lower case.
_ACTS = _beginnings("""
    verif | confirm | activat | validat | authenticat | one-time | one time | single-use | two-factor | 2-step | 2fa | otp
    sign in | sign-in | signin | log in | log-in | login | security | access | reset | recover | forgot | invite | join
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
    workspace | team | subscription | pin | token | adresse | konto | passwort | kennwort | anmeldung | registrierung | mot de passe
    compte | courriel | inscription | código | codigo | correo | cuenta | contraseña | dirección | registro | conta | senha | endereço
    cadastro | codice | indirizzo | iscrizione | registrazione | adres | wachtwoord | e-post | epost | kod | lösenord | adgangskode
    passord | *kode | sähköposti | tili | salasana | *koodi | hasło | kód | účet | heslo | adresu | fiók | jelszó | cod | cont | parol
    код | почт | адрес | аккаунт | учетн | учётн | пошт | акаунт | e-posta | hesab | kodu | şifre | parola | κωδικ | λογαριασμ
    διεύθυνσ | קוד | חשבון | כתובת | סיסמ | رمز | حساب | البريد | كلمة | コード | メール | アドレス | パスワード | 码 | 碼 | 邮 | 郵 | 账 | 帳 | 密
    코드 | 번호 | 이메일 | 계정 | 비밀번호 | mã | tài khoản | mật khẩu | email | kata sandi | akun | รหัส | อีเมล | บัญชี
""")


def sign(inbound: Inbound) -> Sign | None:
    """What this mail's sender and words say; None for nearly all."""
    if inbound.author is None:
        return None
    silent, serves = _sender(inbound.author.email.lower())
    if (silent or serves) and _lets_in(inbound.subject[:SAID], inbound.text[:SAID]):
        return Sign.VERIFICATION
    return Sign.NO_REPLY if silent else None


@lru_cache(maxsize=1024)
def _sender(email: str) -> tuple[bool, bool]:
    """Does it take no answers? Is it what services send from?"""
    local, _, domain = split_detail(email)[0].rpartition("@")
    name = local.replace("-", "").replace("_", "").replace(".", "")
    labels = domain.split(".")
    known = any(".".join(labels[first:]) in _SERVICES for first in range(max(0, len(labels) - 4), len(labels)))
    return any(word in name for word in _NO_REPLY), name in _ROLES or known


@lru_cache(maxsize=64)  # each mail is asked several times on its way
def _lets_in(subject: str, text: str) -> bool:
    lines = (_BETWEEN.sub(" ", f" {line.lower()}") for line in (subject, *text.splitlines()))
    return any(_has(_ACTS, line) and _has(_THINGS, line) for line in lines)


def _has(words: tuple[str, ...], line: str) -> bool:
    return any(word in line for word in words)
