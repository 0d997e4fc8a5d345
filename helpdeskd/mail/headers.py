"""The headers of one part: found in any case, repaired, decoded, and free of control characters."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable

from helpdeskd.mail import charset, mailboxes
from helpdeskd.model.mail import Address

MAX_VALUE = 65536  # characters of one value that are read; a longer one is cut
MAX_ADDRESSES = 2000

_ENCODED = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?]{0,4000})\?=")
# Line and paragraph separators and the marks that turn reading direction count as control characters in one line:
# "exe.fdp" must not read as a PDF's name.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")
_SPACE = re.compile(r"[ \t\r\n]+")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")
_ADDRESS = re.compile(r'(?:"[^"\x00-\x1f]{1,254}"|[^\s"@<>\x00-\x1f]{1,254})@[^\s@<>"\x00-\x1f]{1,255}')


def clean(value: str) -> str:
    """One line without control characters (C0, C1, line and paragraph separators, lone surrogates)."""
    if value.isprintable() and value.isascii():
        return value.strip()
    return _SPACE.sub(" ", _CONTROL.sub("", _SPACE.sub(" ", value))).strip()


def repair(raw: str, likely: str | None = None) -> str:
    """A raw value unfolded (RFC 5322 section 2.2.3), its 8-bit bytes read as UTF-8, else in the `likely` charset, else as what
    they look like."""
    if len(raw) > MAX_VALUE:
        raw = raw[:MAX_VALUE]
    if not raw.isascii():
        try:
            raw = charset.decode(raw.encode("ascii", "surrogateescape"), likely)
        except UnicodeEncodeError:  # a parser replaced the bytes already
            raw = _CONTROL.sub("", raw)
    return raw.replace("\r", "").replace("\n", "") if "\n" in raw or "\r" in raw else raw


def decode(raw: str, likely: str | None = None) -> str:
    """A raw unstructured value as people read it: 8-bit repaired, encoded words decoded, cleaned."""
    value = repair(raw, likely)
    return clean(words(value) if "=?" in value else value)


def words(value: str) -> str:
    """`value` with its RFC 2047 encoded words decoded, in the broken shapes seen too: inside quotes, inside a word,
    with spaces in them, a character split over two of them. What cannot be decoded stays."""
    out: list[str] = []
    end = 0
    pending: tuple[str, bytes] | None = None  # neighbours of one charset are joined before they are decoded

    for match in _ENCODED.finditer(value):
        between = value[end : match.start()]
        name = match.group(1).partition("*")[0].lower()  # RFC 2231 section 5: a language may follow
        data = _word_bytes(match.group(2), match.group(3))
        end = match.end()
        if data is None:
            out += [_text(pending), between, match.group()]
            pending = None
        elif pending and not between.strip() and pending[0] == name:
            pending = (name, pending[1] + data)
        else:
            # White space between two encoded words is not text (RFC 2047 section 6.2).
            out += [_text(pending), between if between.strip() or not pending else ""]
            pending = (name, data)
    out += [_text(pending), value[end:]]
    return "".join(out)


def _text(pending: tuple[str, bytes] | None) -> str:
    return charset.decode(pending[1], pending[0]) if pending else ""


def _word_bytes(encoding: str, text: str) -> bytes | None:
    try:
        data = text.encode("ascii")
    except UnicodeEncodeError:
        data = text.encode("utf-8", "replace")
    if encoding in "qQ":
        return binascii.a2b_qp(data.replace(b"_", b"=20"), header=False)
    kept = _NOT_BASE64.sub(b"", data)
    if len(kept) % 4 == 1:
        kept = kept[:-1]
    try:
        return binascii.a2b_base64(kept + b"=" * (-len(kept) % 4))
    except binascii.Error:
        return None


class Headers:
    """All headers of a part by lower-case name, raw; read on demand."""

    __slots__ = ("_index", "_likely", "cut")

    def __init__(self, items: Iterable[tuple[str, str]]) -> None:
        index: dict[str, list[str]] = {}
        self.cut = False  # did a value go beyond what is read?
        for name, value in items:
            if len(value) > MAX_VALUE:
                self.cut = True
            index.setdefault(name.lower().rstrip(), []).append(value)
        self._index = index
        self._likely: str | None = None  # None: not yet asked

    def _charset(self) -> str | None:
        """What the raw 8-bit bytes of all headers together look like: a name alone is too short to tell."""
        if self._likely is None:
            raw = " ".join(value[:1000] for found in self._index.values() for value in found if not value.isascii())
            self._likely = (charset.likely(raw[:16384].encode("utf-8", "surrogateescape")) or "") if raw else ""
        return self._likely or None

    def _read(self, raw: str) -> str:
        return decode(raw) if raw.isascii() else decode(raw, self._charset())

    def _repaired(self, raw: str) -> str:
        return repair(raw) if raw.isascii() else repair(raw, self._charset())

    def __contains__(self, name: str) -> bool:
        return name in self._index

    def names(self) -> Iterable[str]:
        return self._index.keys()

    def raw(self, name: str) -> str:
        """The first value, as it stands in the mail; empty where there is none."""
        return self._index[name][0] if name in self._index else ""

    def all(self, name: str) -> list[str]:
        """Every value, decoded."""
        return [self._read(value) for value in self._index.get(name, ())]

    def text(self, name: str) -> str:
        """The first value, decoded."""
        return self._read(self._index[name][0]) if name in self._index else ""

    def joined(self, name: str) -> str:
        """All values behind one another, repaired but not decoded: for lists of ids and addresses."""
        found = self._index.get(name)
        if not found:
            return ""
        return ", ".join(self._repaired(value) for value in found)

    def addresses(self, name: str) -> tuple[Address, ...]:
        """The mailboxes of every header of that name, each once, in order."""
        return addresses(self.joined(name))


def addresses(value: str) -> tuple[Address, ...]:
    """The mailboxes of an address list (RFC 5322 section 3.4), tolerant: what the grammar does not allow is searched
    for one plain address per item. Groups are flattened; an item without an address is left out."""
    if not value.strip() or "@" not in value:
        return ()
    if "=?" not in value:
        quick = _quick(value)
        if quick:
            return (quick,)
    result: dict[str, Address] = {}
    for name, email in mailboxes.mailboxes(value[:MAX_VALUE], MAX_ADDRESSES):
        address = address_of(name, email)
        if address:
            result.setdefault(address.key, address)
    return tuple(result.values())


_QUICK = re.compile(
    r"""\s*(?:"([^"\\\r\n<>@]*)"\s*|([\w .'\-]*?)\s*)<([A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9.-]{1,255})>\s*\Z"""
)
_PLAIN = re.compile(r"\s*([A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9.-]{1,255})\s*\Z")


def _quick(value: str) -> Address | None:
    """The two shapes nearly every mail has, without the full grammar."""
    if len(value) > 400:
        return None
    if match := _QUICK.match(value):
        return address_of(match.group(1) or match.group(2) or "", match.group(3))
    if match := _PLAIN.match(value):
        return Address("", match.group(1))
    return None


def address_of(name: str, email: str) -> Address | None:
    """A mailbox cleaned for use; None when nothing usable is left of its address."""
    email = clean(words(email) if "=?" in email else email).strip("<>'").rstrip(".")
    if email.lower().startswith("mailto:"):
        email = email[7:]
    if len(email) > 320 or not _ADDRESS.fullmatch(email):
        return None
    name = clean(words(name) if "=?" in name else name)
    if len(name) > 1 and name[0] == name[-1] and name[0] in "\"'":
        name = name[1:-1].strip()
    return Address("" if name.lower() == email.lower() else name[:500], email)
