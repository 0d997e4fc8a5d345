"""Structure and headers against what other projects expect of their own fixtures: zammad, mime4j, stalwart, tnef.

What is compared is what a reader of the mail sees: white space is squeezed, a name that a project made up for a part without
one is no name, and the order in which a project lists its findings does not count."""

from __future__ import annotations

import base64
import binascii
import json
import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from email.header import decode_header, make_header
from email.message import Message
from pathlib import Path
from typing import Any

from helpdeskd.config import Desk, Intake
from helpdeskd.mail import dates, html
from helpdeskd.mail.headers import Headers, addresses
from helpdeskd.mail.outline import Node, outline
from helpdeskd.mail.parse import parse
from helpdeskd.model.mail import ORIGINAL, Inbound
from tests.corpora import MAILS

LIMITS = Intake()

# Where the expectation is wrong, or wants what a help desk should not do: (measure, file's name) -> why.
DISPUTED: dict[tuple[str, str], str] = {
    (
        "zammad from",
        "mail019.box",
    ): "From has no address; whoever Reply-To names has not written it, and must not be taken for it",
    ("zammad from", "mail044.box"): "the dot behind a domain is no part of an address",
    ("zammad from", "mail046.box"): "the name is GB 2312; expected is that read as ISO 8859-2",
    ("zammad from", "mail053.box"): "a name without an address is no author; the mail is a bounce",
    ("zammad from", "mail076.box"): "the stray > behind the address is no part of it",
    ("zammad from", "mail087.box"): "`Test test@example.com` holds an address; expected is the whole of it as one",
    ("zammad attachments", "mail025.box"): "a uuencoded file in the text is a file",
    ("zammad attachments", "mail064.box"): "expected is a decomposed e acute read as two Latin letters",
    ("zammad attachments", "mail073.box"): "expected is a replacement character for an umlaut that can be read",
    ("zammad attachments", "mail085.box"): "two HTML parts behind one another are one text, as Apple Mail shows them",
    ("zammad attachments", "mail087.box"): "a text behind a file is text, not a file",
    ("zammad text", "mail019.box"): "expected is the page's title as part of its text",
    ("zammad text", "mail020.box"): "&lang; is U+27E8 in HTML 5; expected is U+2329",
    ("zammad text", "mail021.box"): "as mail020.box",
    ("zammad text", "mail025.box"): "a uuencoded file in the text is a file",
    ("zammad text", "mail026.box"): "expected is the page's title as part of its text",
    ("zammad text", "mail054.box"): "expected is no text, for a mail that has some",
    ("zammad text", "mail060.box"): "expected is UTF-8 read as ISO 8859-2",
    ("zammad text", "mail085.box"): "two HTML parts behind one another are one text, as Apple Mail shows them",
    ("zammad text", "mail087.box"): "a text behind a file is text, not a file",
    ("zammad text", "mail105.box"): "a multipart without any part is shown as the text it is",
    ("mime4j names", "x-gzip64.msg"): "the dot that hides a file is left out",
    ("mime4j bytes", "hdr-fakeout.msg"): "a text that a line of blanks parts from the headers is text, not headers",
    **{
        (f"stalwart {row}", name): why
        for name, why in {
            "007.eml": "what closes before any part is an opening line; expected is a multipart of two empty texts",
            "009.eml": "RFC 2046 section 5.1.2: an outer delimiter ends the inner multipart; expected is that it is dropped",
            "011.eml": "as 009.eml",
            "012.eml": "as 009.eml",
            "020.eml": "of two Content-Type headers the first counts",
        }.items()
        for row in ("tree", "names", "content")
    },
    ("stalwart names", "035.eml"): "C:\\TEMP\\x.png is a path; expected is C:TEMPx.png",
    ("stalwart names", "039.eml"): "as 035.eml",
    ("stalwart addresses", "address.json#8"): "the comments within an address are no part of the name",
    ("stalwart addresses", "address.json#9"): "the comments within an address are no part of the name",
    ("stalwart addresses", "address.json#30"): "two lines without a fold are two headers; no header holds them",
    ("stalwart dates", "date.json#12"): "expected is a date made of a row of numbers",
    ("stalwart dates", "date.json#14"): "a comment that is not closed well hides no date",
    ("stalwart content", "033.eml"): "expected is a replacement character for an umlaut that can be read",
    ("stalwart content", "005.eml"): "RFC 2046 section 5.1.1: a delimiter stands at the start of a line",
}


def read(raw: bytes) -> Inbound:
    return parse(
        raw,
        sender=None,
        instance="corpora",
        own_addresses=lambda _: False,
        marker=Desk().marker,
        limits=LIMITS,
    )


def squeezed(text: str) -> str:
    return "".join(text.split()).replace("\u200b", "").replace("\u00ad", "")


def spaced(text: str) -> str:
    return " ".join(text.split())


class Tally:
    """One row of the table: how many of how many, and each that is not."""

    def __init__(self, name: str, target: float) -> None:
        self.name, self.target = name, target
        self.right = self.total = 0
        self.wrong: list[str] = []
        self.disputed: list[str] = []

    def check(self, path: Path, problem: str) -> None:
        why = DISPUTED.get((self.name, path.name), "")
        if problem and why:
            self.disputed.append(f"{path.name}: {why}")
            return
        self.total += 1
        self.right += not problem
        if problem:
            self.wrong.append(f"{path.relative_to(MAILS)}: {problem}")

    def print(self) -> None:
        share = 100 * self.right / self.total if self.total else 100.0
        print(f"{self.name:32} {self.right:5}/{self.total:<5} {share:6.1f} %  (at least {self.target:g} %)")
        for line in self.wrong:
            print(f"    not as expected: {line}")
        for line in self.disputed:
            print(f"    the expectation's fault: {line}")


def main() -> None:
    for tally in (*zammad(), *mime4j(), *stalwart(), *stalwart_values(), *tnef()):
        tally.print()


# --- zammad -----------------------------------------------------------------------------------------------------


def ruby_yaml(path: Path) -> dict[str, Any]:
    import yaml  # type: ignore[import-untyped]  # comes with schemathesis

    class Loader(yaml.SafeLoader):
        pass

    def plain(loader: Any, _: str, node: Any) -> Any:
        if isinstance(node, yaml.MappingNode):
            return loader.construct_mapping(node, deep=True)
        if isinstance(node, yaml.SequenceNode):
            return loader.construct_sequence(node, deep=True)
        return loader.construct_scalar(node)

    Loader.add_multi_constructor("!ruby/", plain)
    Loader.add_constructor("!binary", lambda loader, node: base64.b64decode(loader.construct_scalar(node)))
    return dict(yaml.load(path.read_bytes(), Loader))


def zammad() -> Iterator[Tally]:
    rows = {
        key: Tally(f"zammad {key}", 97 if key == "text" else 99)
        for key in ("from", "to", "subject", "attachments", "text")
    }
    for path in sorted((MAILS / "zammad").rglob("*.yml")):
        box = path.with_suffix(".box")
        if not box.exists():
            continue
        expected = ruby_yaml(path)
        mail = read(box.read_bytes())
        rows["from"].check(box, _from(mail, expected))
        rows["to"].check(box, _to(mail, expected))
        wanted = spaced(_str(expected.get("subject")))
        rows["subject"].check(box, "" if spaced(mail.subject) == wanted else f"{mail.subject!r} is not {wanted!r}")
        rows["attachments"].check(box, _attachments(box, mail, expected))
        rows["text"].check(box, _text(mail, expected))
    yield from rows.values()


def _str(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")


def _from(mail: Inbound, expected: dict[str, Any]) -> str:
    email, name = _str(expected.get("from_email")), _str(expected.get("from_display_name"))
    found = mail.author
    seen = (found.email, found.name) if found else ("", "")
    if seen[0].lower() != email.lower():
        return f"{seen} is not {(email, name)}"
    return "" if spaced(seen[1]) == spaced(name) or name.lower() == email.lower() else f"{seen} is not {(email, name)}"


def _to(mail: Inbound, expected: dict[str, Any]) -> str:
    wanted = {(one.email.lower(), one.name) for one in addresses(_str(expected.get("to")))}
    found = {(one.email.lower(), one.name) for one in mail.to}
    return "" if wanted == found else f"{sorted(found)} is not {sorted(wanted)}"


def _attachments(box: Path, mail: Inbound, expected: dict[str, Any]) -> str:
    """By name and size; by size alone where a part has no name. Line ends are counted as one byte."""
    wanted: list[tuple[str, int]] = []
    for one in expected.get("attachments") or []:
        preferences = one.get("preferences") or {}
        if preferences.get("content-alternative") or preferences.get("original-format"):
            continue
        data = one.get("data") or b""
        wanted.append(
            (_plain_name(_str(one.get("filename"))), _size(data.encode("utf-8") if isinstance(data, str) else data))
        )
    unnamed = Counter(_size(one.data) for one in outline(box.read_bytes(), LIMITS).walk() if not one.name)
    left = list(wanted)
    extra = []
    for part in mail.parts:
        size = _size(part.data)
        if part.name == ORIGINAL and part.ours:
            continue
        if (part.name, size) in left:
            left.remove((part.name, size))
            continue
        same = next((one for one in left if one[1] == size), None) if unnamed[size] else None
        if same:
            unnamed[size] -= 1
            left.remove(same)
        else:
            extra.append((part.name, size))
    return f"missing {left}, extra {extra}" if left or extra else ""


def _size(data: bytes) -> int:
    return len(data.replace(b"\r\n", b"\n").rstrip(b"\n"))


def _plain_name(name: str) -> str:
    """Without what a name may not hold on some systems."""
    return re.sub(r'[\\/:*?"<>|]+', " ", name)


_LINKED = re.compile(r"<(?:https?://|mailto:)[^<>]*>")


def _text(mail: Inbound, expected: dict[str, Any]) -> str:
    body = _str(expected.get("body"))
    if body == "no visible content":
        body = ""
    if expected.get("content_type") == "text/html":
        found = html.to_text(mail.html) if mail.html else mail.text + mail.quote
        wanted = html.to_text(body)
    else:
        found, wanted = mail.text + mail.quote, body
    a, b = (squeezed(re.sub(r"(?m)^[ >]+", "", _LINKED.sub("", one))) for one in (found, wanted))
    if a == b:
        return ""
    at = next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    return f"at {at} of {len(b)}: {a[max(0, at - 20) : at + 40]!r} is not {b[max(0, at - 20) : at + 40]!r}"


# --- mime4j -----------------------------------------------------------------------------------------------------


def mime4j() -> Iterator[Tally]:
    rows = {key: Tally(f"mime4j {key}", 98) for key in ("tree", "names", "bytes")}
    for path in sorted((MAILS / "mime4j").rglob("*.msg")):
        described = path.with_suffix(".xml")
        if not described.exists():
            continue
        raw = path.read_bytes()
        wanted = _element(ET.fromstring(_xml(described)), path.parent, "")
        decoded = path.with_name(path.stem + "_decoded.xml")
        bodies = _decoded_bodies(decoded) if decoded.exists() else {}
        found = outline(raw, LIMITS)
        shapes = [(place, one.content_type) for place, one in _numbered(found)]
        expected = [(place, one.content_type) for place, one in _numbered(wanted)]
        rows["tree"].check(path, "" if shapes == expected else f"{shapes} is not {expected}")
        if shapes != expected:
            rows["names"].check(path, "the tree is another")
            rows["bytes"].check(path, "the tree is another")
            continue
        pairs = list(zip(_numbered(found), _numbered(wanted), strict=True))
        rows["names"].check(
            path,
            "; ".join(f"{place}: {a.name!r} is not {b.name!r}" for (place, a), (_, b) in pairs if a.name != b.name),
        )
        problems = []
        for (place, a), (_, b) in pairs:
            if a.below or a.content_type.startswith("multipart/"):
                continue
            data = bodies.get(place, b.data)
            if _ended(a.data) != _ended(data):
                problems.append(f"{place}: {len(a.data)} bytes {a.data[:30]!r} are not {len(data)} {data[:30]!r}")
        rows["bytes"].check(path, "; ".join(problems))
    yield from rows.values()


def _ended(data: bytes) -> bytes:
    """Line ends as LF: the descriptions cannot hold others."""
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _xml(path: Path) -> str:
    """One character a byte, as the describing program wrote them, without what XML cannot hold."""
    return re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f]", "", path.read_bytes().decode("latin-1"))


def _numbered(node: Node, place: str = "1") -> Iterator[tuple[str, Node]]:
    yield place, node
    for number, one in enumerate(node.below, 1):
        yield from _numbered(one, f"{place}.{number}")


def _decoded_bodies(path: Path) -> dict[str, bytes]:
    """Decoded bytes by place, of the parts whose file lies there."""
    found: dict[str, bytes] = {}

    def walk(element: ET.Element, place: str) -> None:
        for child in element:
            if child.tag in {"text-body", "binary-body"}:
                file = path.with_name(str(child.get("name")))
                if file.exists():
                    found[place] = file.read_bytes()
            elif child.tag == "multipart":
                parts = [one for one in child if one.tag == "body-part"]
                for number, one in enumerate(parts, 1):
                    walk(one, f"{place}.{number}")
            elif child.tag == "message":
                walk(child, f"{place}.1")

    walk(ET.fromstring(_xml(path)), "1")
    return found


def _element(element: ET.Element, folder: Path, outer: str) -> Node:
    """A message or a body-part of a description as a node; decoded with the standard library's codecs."""
    message = Message()
    for field in element.findall("header/field"):
        name, _, value = (field.text or "").lstrip("\n").partition(":")
        message[name.strip()] = value.strip().replace("\n", " ")
    kind = (
        message.get_content_type()
        if "content-type" in message
        else ("message/rfc822" if outer == "multipart/digest" else "text/plain")
    )
    name = (
        spaced(str(make_header(decode_header(str(message.get_filename() or ""))))).replace("\\", "/").rpartition("/")[2]
    )
    multipart = element.find("multipart")
    if multipart is not None:
        below = tuple(_element(one, folder, kind) for one in multipart.findall("body-part"))
        return Node(kind, name, below=below)
    inner = element.find("message")
    if inner is not None:
        return Node(kind, name, below=(_element(inner, folder, ""),))
    body = element.find("body")
    text = (body.text or "") if body is not None else ""
    data = text.removeprefix("\n").encode("latin-1", "replace")
    message.set_payload(text.removeprefix("\n"))
    encoding = str(message.get("content-transfer-encoding", "")).strip().lower()
    if encoding == "base64":
        letters = re.sub(rb"[^A-Za-z0-9+/]", b"", data)
        letters = letters[: len(letters) - (len(letters) % 4 == 1)]
        data = binascii.a2b_base64(letters + b"=" * (-len(letters) % 4))
    elif encoding == "quoted-printable":
        data = binascii.a2b_qp(data)
    return Node(kind, name, data=data)


# --- stalwart ---------------------------------------------------------------------------------------------------


def stalwart() -> Iterator[Tally]:
    rows = {key: Tally(f"stalwart {key}", 98) for key in ("tree", "names", "content")}
    for path in sorted((MAILS / "stalwart-mail-parser").rglob("*.eml")):
        described = path.with_suffix(".json")
        if not described.exists():
            continue
        wanted = _described(json.loads(described.read_bytes()))
        found = outline(path.read_bytes(), LIMITS)
        shapes = [(place, one.content_type) for place, one in _numbered(found)]
        expected = [(place, one.content_type) for place, one in _numbered(wanted)]
        if shapes != expected:
            for key, row in rows.items():
                row.check(path, f"{shapes} is not {expected}" if key == "tree" else "the tree is another")
            continue
        pairs = list(zip(_numbered(found), _numbered(wanted), strict=True))
        rows["tree"].check(path, "")
        rows["names"].check(
            path,
            "; ".join(f"{place}: {a.name!r} is not {b.name!r}" for (place, a), (_, b) in pairs if a.name != b.name),
        )
        problems = []
        for (place, a), (_, b) in pairs:
            if a.below:
                continue
            same = squeezed(a.text()) == squeezed(b.data.decode("utf-8")) if b.charset else a.data == b.data
            if not same:
                problems.append(f"{place}: {len(a.data)} bytes {a.data[:40]!r} are not {len(b.data)} {b.data[:40]!r}")
        rows["content"].check(path, "; ".join(problems))
    yield from rows.values()


def _described(message: dict[str, Any]) -> Node:
    parts = message["parts"]

    def node(number: int, outer: str) -> Node:
        part = parts[number]
        kind = "message/rfc822" if outer == "multipart/digest" else "text/plain"
        names: dict[str, str] = {}
        for header in part["headers"]:
            value = header["value"]
            if header["name"] in ("content_type", "content_disposition") and "ContentType" in value:
                content = value["ContentType"]
                if header["name"] == "content_type":
                    kind = f"{content['c_type']}/{content['c_subtype'] or ''}".lower()
                for one in content["attributes"] or ():
                    if one["name"] in {"name", "filename"}:
                        names.setdefault(one["name"], one["value"])
        name = spaced(names.get("filename") or names.get("name") or "")
        body = part["body"]
        form: str
        held: Any
        ((form, held),) = body.items() if isinstance(body, dict) else ((body, None),)
        if form == "Multipart":
            return Node(kind, name, below=tuple(node(one, kind) for one in held))
        if form == "Message":
            return Node(kind, name, below=(_described(held),))
        if form in {"Text", "Html"}:
            return Node(kind, name, charset="text", data=held.encode("utf-8"))
        return Node(kind, name, data=bytes(held or ()))

    return node(0, "")


def stalwart_values() -> Iterator[Tally]:
    """Address lists and dates, one by one."""
    folder = MAILS / "stalwart-mail-parser" / "resources"
    row = Tally("stalwart addresses", 98)
    for number, one in enumerate(json.loads((folder / "address.json").read_bytes())):
        expected = one["expected"] or {}
        listed = expected.get("List") or [item for group in expected.get("Group") or () for item in group["addresses"]]
        wanted = [_mailbox(item["address"], item["name"] or "") for item in listed if "@" in (item["address"] or "")]
        found = [_mailbox(item.email, item.name) for item in Headers([("to", one["header"])]).addresses("to")]
        row.check(
            folder / f"address.json#{number}", "" if found == wanted else f"{one['header']!r}: {found} is not {wanted}"
        )
    yield row
    row = Tally("stalwart dates", 98)
    for number, one in enumerate(json.loads((folder / "date.json").read_bytes())):
        wanted_date = one["expected"]
        moment = dates.moment(one["header"])
        problem = "" if _same_moment(moment, wanted_date) else f"{one['header']!r}: {moment} is not {wanted_date}"
        row.check(folder / f"date.json#{number}", problem)
    yield row


def _mailbox(email: str, name: str) -> tuple[str, str]:
    """Without what either side may keep or leave out: comments, routes, blanks, mailto:, a name that is the address."""
    email = re.sub(r"^mailto:([^?]*).*", r"\1", "".join(email.split())).rpartition(":")[2]
    name = spaced(re.sub(r"\([^()]*\)", " ", name))
    return email, "" if name == email else name


def _same_moment(found: datetime | None, wanted: dict[str, Any] | None) -> bool:
    if found is None or wanted is None:
        return found is None and (wanted is None or not 1 <= wanted["month"] <= 12)
    offset = timedelta(hours=wanted["tz_hour"], minutes=wanted["tz_minute"])
    zone = timezone(-offset if wanted["tz_before_gmt"] else offset)
    try:
        year, month, day, hour, minute, second = (
            int(wanted[key]) for key in ("year", "month", "day", "hour", "minute", "second")
        )
        moment = datetime(year, month, day, hour, minute, second, tzinfo=zone)
    except ValueError:
        return False
    return moment == found


# --- TNEF -------------------------------------------------------------------------------------------------------


def tnef() -> Iterator[Tally]:
    from helpdeskd.mail import tnef as unpacker

    row = Tally("tnef listed files", 100)
    for folder in ("tnef", "mimekit", "tnefparse"):
        for path in sorted((MAILS / folder).rglob("*.tnef")):
            listed = path.with_suffix(".list")
            content = unpacker.unpack(path.read_bytes())
            names = [file.name for file in content.files] if content else []
            if not listed.exists():
                continue
            wanted = [one for one in listed.read_text("utf-8").split("\n") if one]
            bodies = {form for form in ("html", "rtf", "text") if content and getattr(content, form)}
            problems = []
            for one in wanted:
                stem, _, extension = one.rpartition(".")
                if stem.endswith(("body", "message")) and extension in {"rtf", "html", "txt"}:
                    if {"txt": "text"}.get(extension, extension) not in bodies:
                        problems.append(f"no {extension} body")
                elif one in names:
                    names.remove(one)
                else:
                    problems.append(f"{one} not among {names}")
            row.check(path, "; ".join(problems))
    yield row
