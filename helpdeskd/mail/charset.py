"""Bytes to text, whatever the mail says its charset is."""

from __future__ import annotations

import codecs
import encodings
import encodings.aliases
import re

import cchardet

# What senders write and what they mean: the WHATWG Encoding Standard's labels (its iso-8859-1 is windows-1252, its
# gb2312 is gb18030, ...), and names no registry knows.
_MEANT = {
    "ascii": "cp1252",
    "iso8859_1": "cp1252",
    "latin_1": "cp1252",
    "iso8859_9": "cp1254",
    "iso8859_11": "cp874",
    "tis_620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
    "iso2022_jp": "iso2022_jp_ext",
}
_NAMES = {
    "ks_c_5601_1987": "cp949",
    "ks_c_5601": "cp949",
    "x_sjis": "cp932",
    "windows_31j": "cp932",
    "windows_874": "cp874",
    "x_gbk": "gb18030",
    "iso_8859_8_i": "iso8859_8",
    "iso_8859_8_e": "iso8859_8",
    "utf8mb4": "utf_8",
    "unicode_1_1_utf_8": "utf_8",
    "unicode_1_1_utf_7": "utf_7",
    "unicode": "utf_16",
    "x_mac_roman": "mac_roman",
    "macintosh": "mac_roman",
    "mac": "mac_roman",
    "x_mac_ce": "mac_latin2",
    "x_mac_centraleurroman": "mac_latin2",
    "x_mac_japanese": "cp932",
    "x_mac_korean": "cp949",
    "x_mac_chinesesimp": "gb18030",
    "x_mac_chinesetrad": "big5hkscs",
    "x_mac_ukrainian": "mac_cyrillic",
    "iso_gb2312": "gb18030",
    "gb2312_80": "gb18030",
    "gb_2312": "gb18030",
    "x_euc_cn": "gb18030",
    "euc_cn": "gb18030",
    "cp_936": "gb18030",
    "x_big5": "big5hkscs",
    "big5_eten": "big5hkscs",
    "cn_big5": "big5hkscs",
    "x_euc_jp": "euc_jp",
    "x_euc_kr": "cp949",
    "x_windows_949": "cp949",
    "utf8": "utf_8",
    "x_utf_8": "utf_8",
    "x_user_defined": "cp1252",
    "ansi": "cp1252",
    "x_ansi": "cp1252",
    "windows": "cp1252",
    "latin": "cp1252",
    "iso_8859": "cp1252",
    "iso8859": "cp1252",
    "koi8r": "koi8_r",
    "koi8u": "koi8_u",
    "ms_ansi": "cp1252",
    "8859_1": "cp1252",
    "8859_15": "iso8859_15",
    "koi8": "koi8_r",
    "koi_8_r": "koi8_r",
    "koi8_ru": "koi8_u",
    "cyrillic": "iso8859_5",
    "x_cp866": "cp866",
    "dos_866": "cp866",
    "visual": "iso8859_8",
    "logical": "iso8859_8",
}
# Codecs of Python's that are no charsets, or take quadratic time.
_NEVER = frozenset({"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "mbcs", "oem"})
_KNOWN = frozenset(encodings.aliases.aliases) | frozenset(encodings.aliases.aliases.values())
_KNOWN |= {
    "koi8_u",
    "koi8_t",
    "cp720",
    "cp737",
    "cp856",
    "cp874",
    "cp1006",
    "mac_arabic",
    "mac_croatian",
    "mac_farsi",
    "mac_romanian",
}
# Seven-bit bytes mean other characters in these.
_STATEFUL = frozenset({"utf_7", "hz", "utf_16", "utf_16_le", "utf_16_be", "utf_32", "utf_32_le", "utf_32_be"})
_ISO_2022 = "iso2022"
_SURROGATES = re.compile(r"[\ud800-\udfff]")
_LATIN = frozenset({"cp1250", "cp1254", "cp1257", *(f"iso8859_{n}" for n in (2, 3, 4, 9, 10, 13, 14, 15, 16))})
_LATIN |= {
    "mac_latin2",
    "mac_roman",
    "mac_turkish",
    "mac_iceland",
    "mac_croatian",
    "cp437",
    "cp775",
    "cp850",
    "cp852",
    "cp1258",
}
_NEIGHBOURS = re.compile(rb"[\x80-\xff]{2}")  # other alphabets have hardly a letter that stands alone among ASCII
_FEW_LATIN = re.compile(rb"[\x00-\x7f]*(?:[\xc0-\xd6\xd8-\xf6\xf8-\xff][\x00-\x7f]*){1,2}")
_SHORT = 100  # bytes
_SAMPLE = 65536  # bytes the detector sees


def codec(name: str) -> str | None:
    """Python's codec for a charset label, with what senders mean by it; None for one nobody knows."""
    plain = encodings.normalize_encoding(name.strip().strip("'\"").lower()[:64]).replace("-", "_")
    if plain in _NAMES:
        return _NAMES[plain]
    if plain not in _KNOWN:
        # cp1252 is also windows-1252, x-cp1252, cp-1252; iso-8859-1 also iso8859-1 and 8859-1. The alias table
        # knows most; what it does not know is not looked up, so that no sender fills the registry's caches.
        plain = re.sub(r"^x_mac_", "mac_", plain)
        plain = re.sub(r"^(?:x_|windows_?|cp_?|win_?|ms_?|ibm_?|dos_){1,3}(?=\d)", "cp", plain)
        plain = re.sub(r"^(?:x_)?iso_?(?=8859)", "iso_", plain)
        plain = re.sub(r"^iso_8859_?(\d{1,2})(?:_.*)?$", r"iso8859_\1", plain)
        if plain not in _KNOWN:
            return None
    try:
        b"a".decode(plain, "replace")  # refuses what is no charset: base64, zlib, rot13
        found = codecs.lookup(plain).name.replace("-", "_")
    except (LookupError, UnicodeError):
        return None
    found = "utf_8" if found == "utf_8_sig" else found
    return None if found in _NEVER else _MEANT.get(found, found)


def decode(data: bytes, declared: str | None = None) -> str:
    """`data` as text: see `read`."""
    return read(data, declared)[0]


def read(data: bytes, declared: str | None = None) -> tuple[str, str]:
    """(text, the codec that made it where it is not the declared one, else empty).

    Tried in this order: the declared charset, strictly; UTF-8, strictly; what the detector says; the declared one
    (else windows-1252, else UTF-8) with replacement characters. Never raises, never yields a lone surrogate.
    """
    named = codec(declared) if declared else None
    if data.isascii() and (named is None or (named not in _STATEFUL and not named.startswith(_ISO_2022))):
        try:
            return (data.decode("ascii") if b"\x1b" not in data else _escaped(data)), ""
        except UnicodeDecodeError:
            return data.decode("ascii", "replace"), ""
    if data.startswith(codecs.BOM_UTF8):
        data = data[3:]
        named = "utf_8"
    # A text that is valid UTF-8 is UTF-8, also where a one-byte charset is declared: the odds that Latin words make
    # valid sequences by chance are nil, and senders mislabel it daily.
    if named is None or named == "cp1252":
        text = _strict(data, "utf_8")
        if text is not None:
            return text, "" if named is None else "utf_8"
    if named:
        text = _strict(data, named)
        if text is not None:
            return text, ""
    text = _strict(data, "utf_8")
    if text is not None:
        return text, "utf_8"
    if named == "utf_8":
        # A few bytes broken by a gateway, or a character cut at the end: still UTF-8.
        text = data.decode("utf-8", "replace")
        broken = text.count("\ufffd")
        if broken * 4 <= sum(map(ord_above_ascii, text)) - broken:
            return data.decode("utf-8", _MIXED), "utf_8"
    return _guess(data, named)


def likely(data: bytes) -> str | None:
    """The codec that these bytes of no declared charset look like, if they look like any but UTF-8."""
    return None if data.isascii() or _strict(data, "utf_8") is not None else _guess(data, None)[1]


def _one_latin_letter(fault: UnicodeError) -> tuple[str, int]:
    """A single byte between ASCII in a text of UTF-8 was pasted from a Latin one."""
    if not isinstance(fault, UnicodeDecodeError):
        raise fault
    data, start = fault.object, fault.start
    alone = (
        data[start : start + 1] >= b"\xa0"
        and data[start - 1 : start] < b"\x80"
        and data[start + 1 : start + 2] < b"\x80"
    )
    return (
        (data[start : start + 1].decode("cp1252"), start + 1)
        if alone and start + 1 < len(data)
        else ("\ufffd", fault.end)
    )


_MIXED = "helpdeskd.one-latin-letter"
codecs.register_error(_MIXED, _one_latin_letter)


def ord_above_ascii(char: str) -> bool:
    return char > "\x7f"


def _escaped(data: bytes) -> str:
    """Seven-bit bytes with escapes, undeclared: ISO-2022 if it reads as that (RFC 1468), else ASCII."""
    if any(mark in data for mark in (b"\x1b$B", b"\x1b$@", b"\x1b(J", b"\x1b$(C", b"\x1b$)C")):
        for name in ("iso2022_jp_ext", "iso2022_kr"):
            text = _strict(data, name)
            if text is not None:
                return text
    return data.decode("ascii")


def _strict(data: bytes, name: str) -> str | None:
    try:
        text = data.decode(name)
    except (UnicodeError, LookupError, ValueError):
        return None
    return _SURROGATES.sub("\ufffd", text) if name in _STATEFUL else text


_PAIR = re.compile(rb"[\x80-\xff]{1,2}|[\x80-\xff][@-~]")
_GB_COMMON = re.compile(rb"[\xb0-\xd7][\xa1-\xfe]")  # the 3,755 characters of GB 2312 that make up nearly all of a text
_GB_SIGN = re.compile(rb"[\xa1-\xa3\xd8-\xf7][\xa1-\xfe]")
_MIN_PAIRS = 5


def _is_gb(data: bytes, *, high: bool) -> bool:
    """Simplified Chinese? Of Big5 nearly half the second bytes would be ASCII. `high`: are first bytes asked for that Korean
    has not (it stays below 0xC9)? Japanese is mostly kana, which are none of these."""
    pairs = _PAIR.findall(data)
    common = [pair for pair in pairs if _GB_COMMON.fullmatch(pair)]
    signs = sum(1 for pair in pairs if _GB_SIGN.fullmatch(pair))
    return (
        len(common) >= _MIN_PAIRS
        and len(common) + signs == len(pairs)
        and len(common) * 4 >= len(pairs) * 3
        and (not high or any(pair >= b"\xc9" for pair in common))
    )


def _guess(data: bytes, named: str | None) -> tuple[str, str]:
    found = cchardet.detect(data[:_SAMPLE])
    label, sure = found.get("encoding"), found.get("confidence") or 0.0
    guessed = codec(str(label)) if label and sure >= 0.5 else None
    if guessed in {"big5hkscs", "cp949", "euc_jp", None} and _is_gb(
        data[:_SAMPLE], high=guessed in {"cp949", "euc_jp"}
    ):
        guessed = "gb18030"
    if len(data) < _SHORT and (guessed in _LATIN or not _NEIGHBOURS.search(data)):
        guessed = "cp1252"  # too few letters to tell one Latin alphabet from another: the commonest
    if len(data) < _SHORT and _FEW_LATIN.fullmatch(data):
        guessed = "cp1252"  # one or two letters, such as a file's name has: no detector can tell
    for name in (guessed, "cp1252"):
        text = _strict(data, name) if name else None
        if text is not None and name:
            return text, name
    name = named or guessed or "utf_8"
    try:
        return _SURROGATES.sub("\ufffd", data.decode(name, "replace")), name
    except (UnicodeError, LookupError, ValueError):
        return data.decode("utf-8", "replace"), "utf_8"
