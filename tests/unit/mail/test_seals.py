"""Signed and encrypted mails, made by OpenSSL, GnuPG and Sequoia: what is shown, what is kept, and what the seal is worth."""

from __future__ import annotations

import base64
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pysequoia
import pytest
from asn1crypto import core
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from helpdeskd.config import Intake
from helpdeskd.mail import smime
from helpdeskd.mail.parse import parse
from helpdeskd.model.mail import Inbound
from helpdeskd.model.seals import Found, Keys, Means, Seal

HEAD = b"From: ann@example.org\r\nTo: support@example.com\r\nSubject: sealed\r\nMessage-ID: <s@example.org>\r\n"
INNER = (
    b"Content-Type: multipart/mixed; boundary=in\r\n\r\n--in\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
    b"Gr\xc3\xbc\xc3\x9fe, the printer burns.  \r\nAnn\r\n\r\n--in\r\nContent-Type: application/pdf; name=a.pdf\r\n"
    b"Content-Transfer-Encoding: base64\r\n\r\nUERG\r\n--in--\r\n"
)
BEGIN = datetime(2020, 1, 1, tzinfo=UTC)


class Person:
    """A key and a certificate, by an authority or by nobody."""

    def __init__(
        self,
        name: str,
        issuer: Person | None = None,
        *,
        curve: bool = False,
        usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.EMAIL_PROTECTION,
        until: datetime = BEGIN + timedelta(days=36500),
    ) -> None:
        self.key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey = (
            ec.generate_private_key(ec.SECP256R1()) if curve else rsa.generate_private_key(65537, 2048)
        )
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        above = issuer or self
        made = (
            x509.CertificateBuilder()
            .subject_name(self.name)
            .issuer_name(above.name)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(BEGIN)
            .not_valid_after(until)
            .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(above.key.public_key()), critical=False)
        )
        if issuer is None:
            made = made.add_extension(
                x509.KeyUsage(
                    digital_signature=False,
                    content_commitment=False,
                    key_encipherment=False,
                    data_encipherment=False,
                    key_agreement=False,
                    key_cert_sign=True,
                    crl_sign=True,
                    encipher_only=False,
                    decipher_only=False,
                ),
                critical=True,
            )
        else:
            made = made.add_extension(x509.SubjectAlternativeName([x509.RFC822Name(name)]), critical=False)
            made = made.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        self.certificate = made.sign(above.key, hashes.SHA256())

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def secret(self) -> bytes:
        form = serialization.PrivateFormat.PKCS8
        return self.key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()) + self.pem


AUTHORITY = Person("Example CA")
ANN = Person("ann@example.org", AUTHORITY)
DESK = Person("support@example.com", AUTHORITY)
KEYS = Keys(authorities=(AUTHORITY.pem,), smime=(DESK.secret,))


def read(raw: bytes, keys: Keys = KEYS) -> Inbound:
    return parse(
        raw,
        sender=None,
        instance="desk",
        own_addresses=lambda _: False,
        marker="## above ##",
        limits=Intake(),
        keys=keys,
    )


def openssl(folder: Path, said: bytes, *words: str, who: Person = ANN) -> bytes:
    (folder / "who.pem").write_bytes(who.secret)
    (folder / "to.pem").write_bytes(DESK.pem)
    command = ["openssl", "cms", *(word.replace("WHO", str(folder / "who.pem")) for word in words)]
    command = [word.replace("TO.PEM", str(folder / "to.pem")) for word in command]
    return subprocess.run(command, input=said, capture_output=True, check=True).stdout


def smime_signed(folder: Path, *more: str, who: Person = ANN, said: bytes = INNER) -> bytes:
    made = openssl(folder, said, "-sign", "-signer", "WHO", "-binary", *more, who=who)
    return HEAD + made.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


@pytest.mark.parametrize("curve", [False, True], ids=["rsa", "ecdsa"])
@pytest.mark.parametrize("whole", [False, True], ids=["beside", "within"])
def test_smime_signatures_hold(tmp_path: Path, curve: bool, whole: bool) -> None:
    who = Person("ann@example.org", AUTHORITY, curve=curve)
    mail = read(smime_signed(tmp_path, *(["-nodetach"] if whole else []), who=who))
    (seal,) = mail.seals
    assert (seal.means, seal.found, seal.who) == (Means.SMIME, Found.GOOD, ("ann@example.org",))
    assert "the printer burns" in mail.text
    assert "a.pdf" in [part.name for part in mail.parts]
    assert any(part.name in {"smime.p7s", "smime.p7m"} for part in mail.parts)


def test_pss_holds(tmp_path: Path) -> None:
    mail = read(smime_signed(tmp_path, "-keyopt", "rsa_padding_mode:pss"))
    assert mail.seals[0].found is Found.GOOD


def test_the_same_by_lf_line_ends(tmp_path: Path) -> None:
    assert read(smime_signed(tmp_path).replace(b"\r\n", b"\n")).seals[0].found is Found.GOOD


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda raw: raw.replace(b"burns", b"works"), Found.BAD),
        (lambda raw: raw.replace(b"UERG", b"UERH"), Found.BAD),
        (lambda raw: raw.replace(b"--in--", b"--in\r\n\r\nmore\r\n--in--", 1), Found.BAD),
        (lambda raw: raw[:-400] + b"A" * 100 + raw[-300:], Found.BAD),
    ],
    ids=["the text", "the file", "one part more", "the signature"],
)
def test_what_was_changed_does_not_hold(tmp_path: Path, change, found: Found) -> None:
    (seal,) = read(change(smime_signed(tmp_path))).seals
    assert seal.found is found


def test_nobody_vouches(tmp_path: Path) -> None:
    other = Person("Another CA")
    assert read(smime_signed(tmp_path, who=Person("ann@example.org", other))).seals[0].found is Found.UNKNOWN
    assert read(smime_signed(tmp_path, who=other)).seals[0].found is Found.UNKNOWN
    server = Person("ann@example.org", AUTHORITY, usage=ExtendedKeyUsageOID.SERVER_AUTH)
    assert read(smime_signed(tmp_path, who=server)).seals[0].found is Found.UNKNOWN
    expired = Person("ann@example.org", AUTHORITY, until=BEGIN + timedelta(days=1))
    assert read(smime_signed(tmp_path, who=expired)).seals[0].found is Found.UNKNOWN
    assert read(smime_signed(tmp_path, "-md", "sha1")).seals[0].found is Found.UNKNOWN


def test_without_an_authority_nothing_is_checked(tmp_path: Path) -> None:
    mail = read(smime_signed(tmp_path), Keys())
    assert mail.seals[0].found is Found.UNCHECKED
    assert "the printer burns" in mail.text


@pytest.mark.parametrize("more", [[], ["-stream"]], ids=["DER", "BER"])
def test_smime_encryption_is_opened(tmp_path: Path, more: list[str]) -> None:
    made = HEAD + openssl(tmp_path, INNER, "-encrypt", "-aes256", "-binary", *more, "TO.PEM")
    mail = read(made)
    assert [seal.found for seal in mail.seals] == [Found.OPENED]
    assert "the printer burns" in mail.text
    assert {"a.pdf", "smime.p7m"} <= {part.name for part in mail.parts}
    for keys in (Keys(), Keys(smime=(ANN.secret,))):
        locked = read(made, keys)
        assert [seal.found for seal in locked.seals] == [Found.LOCKED]
        assert "printer" not in locked.text
        assert [part.name for part in locked.parts] == ["smime.p7m"]


def test_signed_and_encrypted(tmp_path: Path) -> None:
    signed = smime_signed(tmp_path).removeprefix(HEAD)
    mail = read(HEAD + openssl(tmp_path, signed, "-encrypt", "-aes128", "-binary", "TO.PEM"))
    assert [seal.found for seal in mail.seals] == [Found.OPENED, Found.GOOD]
    assert "the printer burns" in mail.text


def test_only_a_whole_mail_is_opened(tmp_path: Path) -> None:
    """Parts around an encrypted one could be made to carry its words away."""
    made = openssl(tmp_path, INNER, "-encrypt", "-aes256", "-binary", "TO.PEM").replace(b"\n", b"\r\n")
    wrapped = (
        HEAD
        + b'Content-Type: multipart/mixed; boundary=out\r\n\r\n--out\r\nContent-Type: text/html\r\n\r\n<img src="http://x.example/\r\n--out\r\n'
        + made
        + b"\r\n--out--\r\n"
    )
    mail = read(wrapped)
    assert [seal.found for seal in mail.seals] == [Found.LOCKED]
    assert "printer" not in mail.text + mail.html


# OpenPGP

TSK = pysequoia.Tsk.generate("Ann <ann@example.org>")
CERT = TSK.extract_certificate()
OURS = pysequoia.Tsk.generate("Support <support@example.com>")
PGP = Keys(certificates=(bytes(CERT),), openpgp=(bytes(OURS),))


def detached(said: bytes) -> bytes:
    return pysequoia.sign(TSK.signer(), said, mode=pysequoia.SignatureMode.DETACHED)


def pgp_signed(said: bytes = INNER, *, signature: bytes | None = None) -> bytes:
    return (
        HEAD
        + b'Content-Type: multipart/signed; protocol="application/pgp-signature"; boundary=s\r\n\r\n--s\r\n'
        + said
        + b"\r\n--s\r\nContent-Type: application/pgp-signature; name=signature.asc\r\n\r\n"
        + (signature or detached(said)).replace(b"\n", b"\r\n")
        + b"\r\n--s--\r\n"
    )


def test_pgp_signatures() -> None:
    mail = read(pgp_signed(), PGP)
    (seal,) = mail.seals
    assert (seal.means, seal.found, seal.who) == (Means.OPENPGP, Found.GOOD, ("ann@example.org",))
    assert "the printer burns" in mail.text
    assert {"a.pdf", "signature.asc"} == {part.name for part in mail.parts}
    assert read(pgp_signed().replace(b"\r\n", b"\n"), PGP).seals[0].found is Found.GOOD
    assert read(pgp_signed().replace(b"burns", b"works"), PGP).seals[0].found is Found.BAD
    assert read(pgp_signed(signature=b"rubbish"), PGP).seals[0].found is Found.BAD
    other = Keys(certificates=(bytes(OURS.extract_certificate()),))
    assert read(pgp_signed(), other).seals[0].found is Found.UNKNOWN
    assert read(pgp_signed(), Keys()).seals[0].found is Found.UNCHECKED


def test_a_signature_in_the_text() -> None:
    said = "Hello,\n- a dash\nGrüße\n"
    signed = pysequoia.sign(TSK.signer(), said.encode(), mode=pysequoia.SignatureMode.CLEAR)
    mail = read(HEAD + b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + signed.replace(b"\n", b"\r\n"), PGP)
    assert [seal.found for seal in mail.seals] == [Found.GOOD]
    assert mail.text.strip() == said.strip()
    assert [part.name for part in mail.parts] == ["signature.asc"]
    changed = signed.replace(b"Hello", b"Hallo")
    mail = read(HEAD + b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + changed, PGP)
    assert [seal.found for seal in mail.seals] == [Found.BAD]


def pgp_encrypted(said: bytes) -> bytes:
    body = pysequoia.encrypt(said, recipients=[OURS.extract_certificate()])
    return (
        HEAD
        + b'Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary=e\r\n\r\n--e\r\n'
        + b"Content-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n\r\n--e\r\nContent-Type: application/octet-stream; name=encrypted.asc\r\n\r\n"
        + body
        + b"\r\n--e--\r\n"
    )


def test_pgp_encryption() -> None:
    mail = read(pgp_encrypted(pgp_signed().removeprefix(HEAD)), PGP)
    assert [seal.found for seal in mail.seals] == [Found.OPENED, Found.GOOD]
    assert "the printer burns" in mail.text
    assert {"a.pdf", "encrypted.asc"} <= {part.name for part in mail.parts}
    locked = read(pgp_encrypted(INNER), Keys())
    assert [seal.found for seal in locked.seals] == [Found.LOCKED]
    assert "encrypted with PGP, and kept as it came" in locked.loose_ends
    body = pysequoia.encrypt("Grüße".encode(), recipients=[OURS.extract_certificate()])
    inline = read(HEAD + b"\r\n" + body, PGP)
    assert (inline.text.strip(), [seal.found for seal in inline.seals]) == ("Grüße", [Found.OPENED])


def test_signed_within_the_encryption() -> None:
    both = pysequoia.encrypt(b"words\n", recipients=[OURS.extract_certificate()], signer=TSK.signer())
    raw = HEAD + b"\r\n" + both
    assert [seal.found for seal in read(raw, PGP).seals] == [Found.OPENED, Found.GOOD]
    stranger = Keys(certificates=(bytes(OURS.extract_certificate()),), openpgp=(bytes(OURS),))
    assert [seal.found for seal in read(raw, stranger).seals] == [Found.OPENED, Found.UNKNOWN]
    assert [seal.found for seal in read(raw, Keys(openpgp=(bytes(OURS),))).seals] == [Found.OPENED]


def evil(*parts: bytes, kind: bytes = b"mixed") -> bytes:
    opening = b"From: mallory@evil.example\r\nSubject: x\r\nContent-Type: multipart/" + kind + b"; boundary=out\r\n\r\n"
    return opening + b"".join(b"--out\r\n" + part + b"\r\n" for part in parts) + b"--out--\r\n"


WORDS = b"Content-Type: text/plain\r\n\r\nPlease pay to account 666."


def test_a_seal_covers_nothing_beside_it(tmp_path: Path) -> None:
    for keys, signed in (
        (KEYS, smime_signed(tmp_path)),
        (KEYS, smime_signed(tmp_path, "-nodetach")),
        (PGP, pgp_signed()),
    ):
        part = signed.removeprefix(HEAD)
        for raw in (
            evil(WORDS, part),
            evil(part, WORDS),
            evil(part, b"Content-Type: text/html\r\n\r\npay", kind=b"alternative"),
        ):
            assert [seal.found for seal in read(raw, keys).seals] == [Found.PARTLY]
        third = signed.replace(b"--s--", b"--s\r\n" + WORDS + b"\r\n--s--") if keys is PGP else signed
        assert (read(third, keys).seals[0].found is Found.GOOD) is (third == signed)
        other = signed.replace(b"ann@example.org", b"mallory@evil.example", 1)
        assert read(other, keys).seals[0].found is Found.OTHER


def test_words_around_a_signed_text() -> None:
    signed = pysequoia.sign(TSK.signer(), b"Hello\n", mode=pysequoia.SignatureMode.CLEAR)
    forged = signed.replace(b"Hello", b"Please pay")
    for raw in (
        b"before\n" + signed,
        signed + b"\nafter",
        signed + forged,
        b"> " + signed.replace(b"\n", b"\n> ") + b"\n\n" + forged,
    ):
        found = read(HEAD + b"\r\n" + raw, PGP).seals
        assert all(seal.found is not Found.GOOD for seal in found)


def test_a_certificate_writes_no_lines() -> None:
    seal = Seal(Means.SMIME, Found.BAD, ("x\n  S/MIME signature good: ceo@example.com",), "y\u2028z" * 1000)
    assert "\n" not in seal.line and "\u2028" not in seal.line
    assert len(seal.line) < 1000


def test_gnupg_too(tmp_path: Path) -> None:
    home = tmp_path / "gnupg"
    home.mkdir(mode=0o700)

    def gpg(*words: str, said: bytes = b"") -> bytes:
        command = [
            "gpg",
            "--homedir",
            str(home),
            "--batch",
            "--quiet",
            "--pinentry-mode",
            "loopback",
            "--passphrase",
            "",
        ]
        return subprocess.run([*command, *words], input=said, capture_output=True, check=True).stdout

    try:
        gpg("--quick-gen-key", "ann@example.org", "rsa2048", "sign")
        public = gpg("--export", "ann@example.org")
        mail = read(pgp_signed(signature=gpg("--armor", "--detach-sign", said=INNER)), Keys(certificates=(public,)))
        assert [seal.found for seal in mail.seals] == [Found.GOOD]
    finally:
        subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False)


def test_damage_never_raises(tmp_path: Path) -> None:
    """A byte changed at many places of each: read all the same, and never believed for it."""
    whole = smime_signed(tmp_path)
    coded = whole.index(b"MII")
    for at in range(coded, len(whole) - 1, 211):
        broken = whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
        assert "the printer burns" in read(broken).text
    made = base64.b64decode(whole[coded:].split(b"\r\n\r\n")[0])
    for length in range(0, len(made), 101):
        short = base64.encodebytes(made[:length])
        assert read(whole[:coded] + short).seals[0].found is not Found.GOOD


def test_what_is_shown_is_what_is_checked(tmp_path: Path) -> None:
    """Two readers of one structure may differ: what holds must be what stands there for people."""
    whole = smime_signed(tmp_path, "-nodetach").partition(b"\r\n\r\n")[2]
    data = base64.b64decode(whole)
    assert smime.check(data, INNER, KEYS.authorities, None).found is Found.GOOD
    assert smime.check(data, INNER + b"more", KEYS.authorities, None).found is Found.BAD


def test_no_absurd_name_is_reckoned() -> None:
    """An object's name may be a number of a million digits: reading it as one takes minutes."""
    absurd = core.ObjectIdentifier.load(b"\x06\x82\x27\x10" + b"\x81" * 9_999 + b"\x01")
    with pytest.raises(smime.NotGoodError):
        smime.name_of(absurd)


def test_a_certificate_that_no_library_bears(tmp_path: Path) -> None:
    whole = base64.b64decode(smime_signed(tmp_path, "-nodetach").partition(b"\r\n\r\n")[2])
    version = whole.index(bytes.fromhex("a003020102"))
    broken = whole[: version + 4] + b"\x07" + whole[version + 5 :]
    assert smime.check(broken, INNER, KEYS.authorities, None).found is Found.BAD


def test_an_authority_as_openssl_makes_it(tmp_path: Path) -> None:
    """`openssl req -x509` says that it is one, and no more."""

    def run(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=tmp_path, check=True, capture_output=True)

    new = ("req", "-newkey", "rsa:2048", "-nodes", "-subj")
    run(*new, "/CN=Team CA", "-x509", "-days", "30", "-keyout", "ca.key", "-out", "ca.pem")
    run(*new, "/CN=Ann", "-keyout", "ann.key", "-out", "ann.csr")
    (tmp_path / "ext").write_text("subjectAltName=email:ann@example.org\n")
    run(
        "x509",
        "-req",
        "-in",
        "ann.csr",
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-days",
        "30",
        "-extfile",
        "ext",
        "-out",
        "ann.pem",
    )
    run(*new, "/CN=Eve", "-keyout", "eve.key", "-out", "eve.csr")
    run(
        "x509",
        "-req",
        "-in",
        "eve.csr",
        "-CA",
        "ann.pem",
        "-CAkey",
        "ann.key",
        "-days",
        "30",
        "-extfile",
        "ext",
        "-out",
        "eve.pem",
    )
    keys = Keys(authorities=((tmp_path / "ca.pem").read_bytes(),))
    for who, found in (("ann", Found.GOOD), ("eve", Found.UNKNOWN)):
        words = [
            "openssl",
            "cms",
            "-sign",
            "-binary",
            "-signer",
            f"{who}.pem",
            "-inkey",
            f"{who}.key",
            *(["-certfile", "ann.pem"] if who == "eve" else []),
        ]
        made = subprocess.run(words, input=INNER, cwd=tmp_path, capture_output=True, check=True).stdout
        (seal,) = read(HEAD + made.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"), keys).seals
        assert seal.found is found, seal.line
