"""Signatures and encryption of S/MIME (RFC 8551, CMS of RFC 5652): checked, and opened, with the keys that are given. Never raises.

A signature is judged at the time it says it was made, not now: a mail says the same whenever it is read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from asn1crypto import cms, core
from asn1crypto import x509 as names
from cryptography import x509
from cryptography.exceptions import InternalError, InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from cryptography.x509.verification import Criticality, ExtensionPolicy, Policy, PolicyBuilder, Store, VerificationError

from helpdeskd.model.seals import Found, Means, Seal

# SHA-1 and MD5 prove nothing any more (RFC 8551 section 2.1).
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
_MAX_SIGNERS = 3
_MAX_CERTIFICATES = 20
# What libraries raise for bytes that are not what they seem.
_FAULTS = (
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    OverflowError,
    RecursionError,
    UnsupportedAlgorithm,
    InternalError,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
# Bytes beside the content, of an OID, and of signed attributes: what is larger takes long to read, and nobody means it.
_MOST_BESIDE = 256 * 1024
_MOST_OF_OID = 64
_MOST_ATTRIBUTES = 64 * 1024
_LONGEST_ADDRESS = 320
_EMAIL = ExtendedKeyUsageOID.EMAIL_PROTECTION
_ANY = ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE


class NotGoodError(Exception):
    """Carries what was found instead, and why."""

    def __init__(self, found: Found, why: str) -> None:
        super().__init__(why)
        self.found = found


@dataclass(frozen=True, slots=True)
class _Signer:
    certificate: x509.Certificate
    others: list[x509.Certificate]
    at: datetime


def check(data: bytes, content: bytes, authorities: Iterable[bytes], sent: datetime | None) -> Seal:
    """What the signature in `data` (CMS, signed data) is worth. `content`: what is shown, which stood beside it or within it.
    `authorities`: certificates in PEM. `sent`: the mail's Date, for signatures that do not say when they were made."""
    try:
        roots = [one for pem in authorities for one in x509.load_pem_x509_certificates(pem)]
        signed = cms.ContentInfo.load(data)["content"]
        within = signed["encap_content_info"]
        name_of(within["content_type"])
        held = within["content"].native
        # Who reads differently than we do must not make one thing hold and another be shown.
        if held is not None and held != content:
            raise NotGoodError(Found.BAD, "the signature cannot be read in one way only")
        if len(data) - len(held or b"") > _MOST_BESIDE:
            raise NotGoodError(Found.UNKNOWN, "the signature is too large")
        worst: Seal | None = None
        for number in range(min(len(signed["signer_infos"]), _MAX_SIGNERS)):
            seal = _seal(signed, signed["signer_infos"][number], content, roots, sent)
            if seal.found is Found.GOOD:
                return seal
            worst = worst or seal
    except NotGoodError as why:
        return Seal(Means.SMIME, why.found, detail=str(why))
    except _FAULTS:
        return Seal(Means.SMIME, Found.BAD, detail="the signature cannot be read")
    return worst or Seal(Means.SMIME, Found.BAD, detail="nobody has signed")


def name_of(oid: core.ObjectIdentifier) -> str:
    """Raises NotGoodError for one that is absurdly long: its arcs would be reckoned as numbers."""
    if len(oid.contents) > _MOST_OF_OID:
        raise NotGoodError(Found.BAD, "the signature cannot be read")
    return str(oid.native)


def _seal(
    signed: cms.SignedData, info: cms.SignerInfo, said: bytes, roots: list[x509.Certificate], sent: datetime | None
) -> Seal:
    who: tuple[str, ...] = ()
    try:
        signer = _signer(signed, info, sent)
        who = _addresses(signer.certificate)
        _prove(info, signer.certificate, said)
        issuer = _vouched(signer, roots)
    except NotGoodError as why:
        return Seal(Means.SMIME, why.found, who, str(why))
    except _FAULTS:
        return Seal(Means.SMIME, Found.BAD, who, "the signature cannot be read")
    return Seal(Means.SMIME, Found.GOOD, who, f"issued by {issuer}")


def _signer(signed: cms.SignedData, info: cms.SignerInfo, sent: datetime | None) -> _Signer:
    """The certificate that the signer names, among those that came along."""
    sid = info["sid"]
    own: x509.Certificate | None = None
    others: list[x509.Certificate] = []
    for choice in list(signed["certificates"])[:_MAX_CERTIFICATES]:
        if not isinstance(choice.chosen, names.Certificate):
            continue
        if sid.name == "issuer_and_serial_number":
            named = (choice.chosen.issuer, choice.chosen.serial_number)
            same = named == (sid.chosen["issuer"], sid.chosen["serial_number"].native)
        else:
            same = choice.chosen.key_identifier == sid.chosen.native
        loaded = x509.load_der_x509_certificate(choice.chosen.dump())
        if same and own is None:
            own = loaded
        else:
            others.append(loaded)
    if own is None:
        raise NotGoodError(Found.UNKNOWN, "the signer's certificate is missing")
    at = _attribute(info, "signing_time") or sent
    if not isinstance(at, datetime):
        raise NotGoodError(Found.UNKNOWN, "it does not say when it was made")
    return _Signer(own, others, at)


def _attribute(info: cms.SignerInfo, name: str) -> object:
    """A signed attribute's value (RFC 5652 section 11); None where it does not stand there exactly once."""
    attributes = info["signed_attrs"]
    if isinstance(attributes, core.Void):
        return None
    if len(attributes.contents) > _MOST_ATTRIBUTES or len(attributes) > _MOST_OF_OID:
        raise NotGoodError(Found.BAD, "the signature cannot be read")
    values = [one["values"] for one in attributes if name_of(one["type"]) == name]
    return values[0][0].native if len(values) == 1 and len(values[0]) == 1 else None


def _prove(info: cms.SignerInfo, certificate: x509.Certificate, said: bytes) -> None:
    """The mathematics: RFC 5652 sections 5.4 and 5.6. Raises NotGoodError."""
    name = name_of(info["digest_algorithm"]["algorithm"])
    algorithm = _HASHES.get(name)
    if algorithm is None:
        raise NotGoodError(Found.UNKNOWN, f"signed with {name}, which proves nothing")
    # Without signed attributes, those of another mail could be passed off as content (RFC 5652 section 11.1).
    if _attribute(info, "content_type") is None:
        raise NotGoodError(Found.UNKNOWN, "the signature has no attributes that are signed")
    digest = hashes.Hash(algorithm)
    digest.update(said)
    if _attribute(info, "message_digest") != digest.finalize():
        raise NotGoodError(Found.BAD, "the content is not what was signed")
    signed = info["signed_attrs"].untag().dump(force=True)  # as a SET OF, not under the tag it stands with
    signature = info["signature"].native
    key = certificate.public_key()
    try:
        if isinstance(key, rsa.RSAPublicKey):
            pss = name_of(info["signature_algorithm"]["algorithm"]) == "rsassa_pss"
            how: padding.AsymmetricPadding = (
                padding.PSS(padding.MGF1(algorithm), padding.PSS.AUTO) if pss else padding.PKCS1v15()
            )
            key.verify(signature, signed, how, algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, signed, ec.ECDSA(algorithm))
        elif isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, signed)
        else:
            raise NotGoodError(Found.UNKNOWN, "signed with a kind of key that is not known here")
    except InvalidSignature:
        raise NotGoodError(Found.BAD, "the signature does not hold") from None


def _may_issue(_policy: Policy, _certificate: x509.Certificate, extension: x509.BasicConstraints) -> None:
    if not extension.ca:
        raise ValueError("a certificate in the chain is of no authority")


def _may_sign(_policy: Policy, _certificate: x509.Certificate, extension: x509.KeyUsage | None) -> None:
    if extension is not None and not extension.key_cert_sign:
        raise ValueError("a certificate in the chain may not sign others")


# RFC 5280 section 4.2.1: what says whether somebody is an authority. A team's own often says no more than that.
_AUTHORITY = (
    ExtensionPolicy.permit_all()
    .require_present(x509.BasicConstraints, Criticality.AGNOSTIC, _may_issue)
    .may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _may_sign)
)


def _vouched(signer: _Signer, roots: list[x509.Certificate]) -> str:
    """Who issued the signer's certificate, whose chain ends at an authority of ours. Raises NotGoodError."""
    policy = (
        PolicyBuilder()
        .store(Store(roots))
        .time(signer.at)
        .extension_policies(ca_policy=_AUTHORITY, ee_policy=ExtensionPolicy.permit_all())
    )
    try:
        policy.build_client_verifier().verify(signer.certificate, signer.others)
    except VerificationError as why:
        reason = " ".join(str(why).split())[:120]
        raise NotGoodError(Found.UNKNOWN, f"no authority of ours vouches for the certificate: {reason}") from None
    _for_mail(signer.certificate)
    return signer.certificate.issuer.rfc4514_string()[:120]


def _for_mail(certificate: x509.Certificate) -> None:
    """RFC 8550 section 4.4: a certificate may be for other things only."""
    extensions = certificate.extensions
    for extension in extensions:
        value = extension.value
        if isinstance(value, x509.ExtendedKeyUsage) and _EMAIL not in value and _ANY not in value:
            raise NotGoodError(Found.UNKNOWN, "the certificate is not for mail")
        if isinstance(value, x509.KeyUsage) and not (value.digital_signature or value.content_commitment):
            raise NotGoodError(Found.UNKNOWN, "the certificate is not for signatures")


def _addresses(certificate: x509.Certificate) -> tuple[str, ...]:
    found = [str(one.value) for one in certificate.subject.get_attributes_for_oid(NameOID.EMAIL_ADDRESS)]
    for extension in certificate.extensions:
        if isinstance(extension.value, x509.SubjectAlternativeName):
            found += extension.value.get_values_for_type(x509.RFC822Name)
    fit = (each for each in found if each.isprintable() and len(each) <= _LONGEST_ADDRESS)
    return tuple(dict.fromkeys(fit))[:5]


def opened(data: bytes, keys: Iterable[bytes]) -> bytes | None:
    """The mail that was encrypted (CMS, enveloped data) to one of these keys; None where it was to none of them."""
    for pem in keys:
        try:
            key = serialization.load_pem_private_key(pem, None)
            certificate = x509.load_pem_x509_certificate(pem)
            if not isinstance(key, rsa.RSAPrivateKey):
                continue
            # The library reads DER; programs write BER (RFC 5652 section 10).
            whole = cms.ContentInfo.load(data).dump(force=True)
            return pkcs7.pkcs7_decrypt_der(whole, certificate, key, [])
        except _FAULTS:
            continue
    return None
