"""Rich text as Outlook sends it: decompressed (MS-OXRTFCP), and its words. Linear; never raises."""

from __future__ import annotations

import re
import struct

from helpdeskd.mail import charset

MAX_BYTES = 16 * 1024 * 1024  # of decompressed text: nine to one is the most the format can do
_DICTIONARY = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans SerifSymbolArial"
    b"Times New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)


def decompress(data: bytes) -> bytes:
    """The rich text; what was read up to the first fault."""
    if len(data) < 16:
        return b""
    _, size, magic, _ = struct.unpack_from("<IIII", data)
    if magic == 0x414C454D:  # MELA: not compressed
        return data[16 : 16 + min(size, MAX_BYTES)]
    if magic != 0x75465A4C:  # LZFu
        return b""
    limit = min(size, MAX_BYTES)
    window = bytearray(_DICTIONARY.ljust(4096, b"\0"))
    write = len(_DICTIONARY)
    out = bytearray()
    place = 16
    while place < len(data) and len(out) < limit:
        flags = data[place]
        place += 1
        for bit in range(8):
            if place >= len(data) or len(out) >= limit:
                break
            if not flags >> bit & 1:
                window[write] = data[place]
                out.append(data[place])
                write = write + 1 & 4095
                place += 1
                continue
            if place + 2 > len(data):
                return bytes(out)
            reference = data[place] << 8 | data[place + 1]
            place += 2
            offset = reference >> 4
            if offset == write:
                return bytes(out)  # the end
            for step in range((reference & 15) + 2):
                byte = window[offset + step & 4095]
                window[write] = byte
                out.append(byte)
                write = write + 1 & 4095
    return bytes(out[:limit])


_TOKEN = re.compile(
    rb"\\'([0-9a-fA-F]{2})|\\([a-z]{1,32})(-?[0-9]{1,10})?[ ]?|\\([^a-z])|([{}])|[\r\n]+|([^\\{}\r\n]+)"
)
# Groups that hold no words.
_SILENT = frozenset(
    b"fonttbl colortbl stylesheet info pict object themedata datastore listtable listoverridetable generator filetbl"
    b" htmltag mhtmltag xmlnstbl rsidtbl latentstyles header footer".split()
)
_BREAKS = {
    b"par": "\n",
    b"line": "\n",
    b"tab": "\t",
    b"row": "\n",
    b"cell": "\t",
    b"emdash": "\u2014",
    b"endash": "\u2013",
}
_BREAKS |= {
    b"lquote": "\u2018",
    b"rquote": "\u2019",
    b"ldblquote": "\u201c",
    b"rdblquote": "\u201d",
    b"bullet": "\u2022",
}
_ESCAPED = {b"~": "\xa0", b"_": "\u2011", b"\n": "\n", b"\r": "\n", b"\\": "\\", b"{": "{", b"}": "}"}


def to_text(data: bytes) -> str:
    """The words of a rich text."""
    out: list[str] = []
    pending = bytearray()  # bytes of the code page
    page = "cp1252"
    silent: list[bool] = [False]
    starred = False
    skip = 0  # characters behind \u that stand for it in old programs

    def flush() -> None:
        if pending:
            out.append(charset.decode(bytes(pending), page))
            pending.clear()

    for match in _TOKEN.finditer(data[:MAX_BYTES]):
        byte, word, number, symbol, brace, text = match.groups()
        if brace == b"{":
            silent.append(silent[-1])
            starred = False
        elif brace == b"}":
            if len(silent) > 1:
                silent.pop()
        elif symbol == b"*":
            starred = True
        elif word:
            if word == b"ansicpg" and number:
                page = f"cp{int(number)}"
            if word in _SILENT or (starred and word != b"shpinst"):
                silent[-1] = True
            starred = False
            if silent[-1]:
                continue
            if word == b"u" and number:
                flush()
                code = int(number) % 65536
                out.append(chr(code) if not 0xD800 <= code <= 0xDFFF else "\ufffd")
                skip = 1
            elif word in _BREAKS:
                flush()
                out.append(_BREAKS[word])
        elif silent[-1]:
            continue
        elif byte:
            if skip:
                skip = 0
            else:
                pending.append(int(byte, 16))
        elif symbol in _ESCAPED:
            flush()
            out.append(_ESCAPED[symbol])
        elif text:
            pending += text[skip:]
            skip = 0
    flush()
    return "".join(out)
