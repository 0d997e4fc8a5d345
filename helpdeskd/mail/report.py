"""Delivery reports in the form of RFC 3464: what they say, recipient by recipient. Never raises, whatever the bytes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from helpdeskd.mail import headers, ids
from helpdeskd.model.mail import Delivery, Fate, Part, Report

# RFC 6533 names the international form.
_STATUS = frozenset({"message/delivery-status", "message/global-delivery-status"})
_OF_RECIPIENT = frozenset({"final-recipient", "original-recipient", "action", "status", "diagnostic-code"})
_RECIPIENT = frozenset({"final-recipient", "original-recipient", "x-actual-recipient"})
_MAX_STATUS = 256 * 1024  # bytes that are read of one status part
MAX_FATES = 100  # recipients that are read of one report; each mail of ours has one
_MAX_ADDRESS = 4096  # characters of a recipient field: an address has 254, each of them perhaps as \x{1F600}
_MAX_WORDS = 500  # characters of the remote server's words

_FIELD = re.compile(r"([A-Za-z][A-Za-z0-9-]{0,60})[ \t]*:(.*)", re.DOTALL)
_FOLD = re.compile(r"\r?\n(?=[ \t])|\r(?!\n)")
_TYPE = re.compile(r"\s*[A-Za-z0-9-]{1,40}\s*;")  # address-type or diagnostic-type of RFC 3464 section 2.1.2
_CODE = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])", re.ASCII)  # RFC 3463 section 2
_REPLY = re.compile(r"([245])\d\d(?!\d)", re.ASCII)  # a code of RFC 5321 where one of RFC 3463 is due
_ADDRESS = re.compile(r"[^\s<>,;@]{1,254}@[^\s<>,;@]{1,255}")
_EMBEDDED = re.compile(r"\\x\{([0-9A-Fa-f]{1,6})\}")  # RFC 6533 section 3
_BY_CLASS = {"2": Delivery.DELIVERED, "4": Delivery.DELAYED, "5": Delivery.FAILED}  # RFC 3463 section 3.1


def read(parts: Iterable[Part]) -> list[Fate]:
    """What the reports among the files of a mail say; nothing where no part is one, or none says anything of a recipient."""
    fates: list[Fate] = []
    for part in parts:
        if part.content_type in _STATUS and len(fates) < MAX_FATES:
            fates += _fates(part.data[:_MAX_STATUS])
    return fates[:MAX_FATES]


def in_text(text: str) -> list[Fate]:
    """The same fields where a program wrote them into its text: there a line may be anything, so only what names a recipient."""
    return _groups_in(text[:_MAX_STATUS]) if "final-recipient" in text[:_MAX_STATUS].lower() else []


def _fates(data: bytes) -> list[Fate]:
    """RFC 3464 section 2.1: fields of the message, an empty line, then a group of fields for each recipient."""
    # Japanese servers write their words in the one charset that seven bits carry.
    return _groups_in(
        data.decode("iso-2022-jp", "replace") if b"\x1b$" in data else data.decode("ascii", "surrogateescape")
    )


def _groups_in(text: str) -> list[Fate]:
    mta = ""
    found: list[Fate] = []
    for group in _groups(text):
        mta = mta or _typed(group.get("reporting-mta", ""))
        fate = _fate(group, mta) if not _OF_RECIPIENT.isdisjoint(group) else None
        if fate is not None:
            found.append(fate)
        if len(found) == MAX_FATES:
            break
    return found


def _groups(text: str) -> list[dict[str, str]]:
    """The groups as fields by lower-case name. A second Final-Recipient begins a group too: not all write the empty line; some
    write one behind every field."""
    groups: list[dict[str, str]] = [{}]
    for line in _FOLD.sub(" ", text).split("\n"):
        match = _FIELD.match(line)
        if match is None:
            if not line.strip():
                groups.append({})
            continue
        name, value = match[1].lower(), " ".join(headers.decode(match[2]).split())
        if name == "final-recipient" and name in groups[-1]:
            groups.append({})
        groups[-1].setdefault(name, value)
    found: list[dict[str, str]] = []
    for group in groups:
        if found and _goes_on(found[-1], group):
            found[-1] |= group
        elif group:
            found.append(group)
    return found


def _goes_on(before: dict[str, str], group: dict[str, str]) -> bool:
    """Fields of the same recipient: they name none, and none of them stood there."""
    names = group.keys()
    return not (
        _RECIPIENT.isdisjoint(before) or _OF_RECIPIENT.isdisjoint(names) or not _RECIPIENT.isdisjoint(names)
    ) and before.keys().isdisjoint(names)


def _fate(group: dict[str, str], mta: str) -> Fate | None:
    """None where neither Action nor a status says what was done."""
    words = _typed(group.get("diagnostic-code", ""))
    said = (group.get("status", ""), words)
    status = next((match[1] for match in map(_CODE.search, said) if match), "")
    code = status or next((match[1] for match in map(_REPLY.match, said) if match), "")
    delivery = _delivery(group.get("action", ""), code)
    if delivery is None:
        return None
    return Fate(
        delivery=delivery,
        recipient=_address(group.get("final-recipient", "")) or _address(group.get("x-actual-recipient", "")),
        original=_address(group.get("original-recipient", "")),
        status=status,
        words=words[:_MAX_WORDS],
        mta=(_typed(group.get("remote-mta", "")) or mta)[:255],
    )


def _delivery(action: str, code: str) -> Delivery | None:
    """What Action says (a comment may follow); where it says nothing known, the class of the code."""
    word = re.split(r"[\s(;,]", action.strip().lower(), maxsplit=1)[0]
    return next((each for each in Delivery if each == word), _BY_CLASS.get(code[:1]))


def _typed(value: str) -> str:
    """The value without its type: `smtp; 550 no such user`, `dns; mx.example.net`."""
    return (value[match.end() :] if (match := _TYPE.match(value)) else value).strip()


def _address(value: str) -> str:
    """The mail address of a recipient field; empty where it is of another kind (X.400, a local name)."""
    match = _ADDRESS.search(_EMBEDDED.sub(_letter, _typed(value)[:_MAX_ADDRESS]))
    return match[0].strip("\"'().") if match else ""


def _letter(match: re.Match[str]) -> str:
    number = int(match[1], 16)
    return chr(number) if number < 0xD800 or 0xDFFF < number <= 0x10FFFF else "?"


def fate_of(report: Report, recipient: str, *, certain: bool) -> Fate | None:
    """What the report says of this recipient; the worst, where it says several things. None: it speaks of others.

    `certain`: it came back to an address that only this recipient's mail had. Then one that names no address at all is about it.
    """
    named = [fate for fate in report.fates if fate.recipient or fate.original]
    same = _key(recipient)
    found: Sequence[Fate] = [f for f in named if same in {_key(f.recipient), _key(f.original)}]
    if certain and not named:
        found = report.fates
    return min(found, key=lambda fate: list(Delivery).index(fate.delivery), default=None)


def _key(address: str) -> str:
    """An address as it is compared: in lower case, an international domain in its ASCII form."""
    local, at, domain = address.lower().rpartition("@")
    return f"{local}{at}{ids.ascii_domain(domain)}"
