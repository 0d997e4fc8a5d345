"""Bytes to text: labels, mislabels, no label."""

from __future__ import annotations

import pytest

from helpdeskd.mail import charset


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("utf-8", "utf_8"),
        ("UTF8", "utf_8"),
        ("utf8mb4", "utf_8"),
        ("iso-8859-1", "cp1252"),
        ("latin1", "cp1252"),
        ("us-ascii", "cp1252"),
        ("windows-1252", "cp1252"),
        ("cp-1251", "cp1251"),
        ("x-cp1250", "cp1250"),
        ("iso-8859-9", "cp1254"),
        ("gb2312", "gb18030"),
        ("GBK", "gb18030"),
        ("ks_c_5601-1987", "cp949"),
        ("euc-kr", "cp949"),
        ("shift_jis", "cp932"),
        ("x-sjis", "cp932"),
        ("koi8-r", "koi8_r"),
        ('"utf-8"', "utf_8"),
        ("x-unknown", None),
        ("", None),
        ("base64", None),
        ("rot13", None),
        ("zlib", None),
        ("punycode", None),
        ("unicode_escape", None),
        ("../../etc/passwd", None),
        ("a" * 1000, None),
        ("ütf-8", None),
    ],
)
def test_labels(label, expected):
    assert charset.codec(label) == expected


@pytest.mark.parametrize(
    ("text", "encoding", "declared", "note"),
    [
        ("plain", "ascii", "utf-8", ""),
        ("plain", "ascii", None, ""),
        ("Grüße", "utf-8", "utf-8", ""),
        ("Grüße", "utf-8", None, ""),
        ("Grüße", "utf-8", "us-ascii", "utf_8"),
        ("Grüße", "utf-8", "iso-8859-1", "utf_8"),
        ("\u201cquoted\u201d \u20ac", "cp1252", "iso-8859-1", ""),
        ("Grüße aus Köln", "cp1252", "utf-8", "cp1252"),
        ("朱镕基", "gb18030", "gb2312", ""),
        ("こんにちは", "iso2022_jp", "iso-2022-jp", ""),
        ("こんにちは", "iso2022_jp", None, ""),
        ("한국어", "cp949", "ks_c_5601-1987", ""),
        ("Grüße", "utf-16", "utf-16", ""),
        ("\ufeffGrüße".encode().decode(), "utf-8", "iso-8859-1", None),
        ("Hi +- there", "utf-7", "utf-7", ""),
    ],
)
def test_read(text, encoding, declared, note):
    found, read_as = charset.read(text.encode(encoding), declared)
    assert found == text.removeprefix("\ufeff")
    assert note is None or read_as == note


def test_a_cut_character_does_not_spoil_the_rest():
    assert charset.decode("Grüße aus Köln, schöne Grüße".encode()[:-1] + b"\xc3", "utf-8").startswith("Grüße aus Köln")


@pytest.mark.parametrize(
    "declared", [None, "utf-8", "iso-2022-jp", "utf-7", "utf-16", "utf-32", "hz", "euc-kr", "gb2312", "big5", "x"]
)
@pytest.mark.parametrize(
    "data", [b"", b"\xff", b"\xff\xfe\x00\xd8", b"+2AA-", b"\x1b$B\xff", bytes(range(256)), b"~{", b"\x80" * 5000]
)
def test_never_raises_and_never_yields_a_surrogate(data, declared):
    charset.decode(data, declared).encode("utf-8")


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("iso-gb2312", "gb18030"),
        ("x-mac-roman", "mac_roman"),
        ("x-mac-cyrillic", "mac_cyrillic"),
        ("x-mac-greek", "mac_greek"),
        ("x-mac-ce", "mac_latin2"),
        ("x-mac-japanese", "cp932"),
        ("cp-850", "cp850"),
        ("IBM-850", "cp850"),
        ("win-1251", "cp1251"),
        ("x-windows-1251", "cp1251"),
        ("KOI8-U", "koi8_u"),
        ("koi8r", "koi8_r"),
        ("8859-1", "cp1252"),
        ("iso8859-15", "iso8859_15"),
        ("iso-8859-1-windows-3.1-latin-1", "cp1252"),
        ("'utf-8'", "utf_8"),
        ("utf-8;", "utf_8"),
        ("unknown-8bit", None),
        ("x-unknown", None),
        ("base64", None),
        ("idna", None),
    ],
)
def test_what_senders_mean_by_a_label(label, expected):
    assert charset.codec(label) == expected


@pytest.mark.parametrize(
    ("data", "declared", "expected"),
    [
        ("機房環境法規謝謝您".encode("big5"), None, "機房環境法規謝謝您"),
        ("机房环境法规谢谢".encode("gb2312"), None, "机房环境法规谢谢"),
        ("机房环境法规".encode("gb2312"), "unknown-8bit", "机房环境法规"),
        ("Müller".encode("cp1252"), None, "Müller"),
        ("äö.txt".encode("cp1252"), "unknown-8bit", "äö.txt"),
        ("éè.doc".encode("cp1252"), None, "éè.doc"),
        ("ßä".encode("cp1252"), None, "ßä"),
        ("счет.pdf".encode("cp1251"), None, "счет.pdf"),
        ("нет.txt".encode("cp1251"), None, "нет.txt"),
        ("Отчет.doc".encode("koi8-r"), None, "Отчет.doc"),
        ("דוח שנתי.pdf".encode("cp1255"), None, "דוח שנתי.pdf"),
        ("Straße".encode("cp1252"), "utf-8", "Straße"),
        ("Grüße, ".encode() * 20 + b"Stra\xdfe!", "utf-8", "Grüße, " * 20 + "Straße!"),
        ("Grüße".encode() * 20 + b"\xc3", "utf-8", "Grüße" * 20 + "\ufffd"),
        ("Привет, мир! Как дела?".encode("koi8-r"), "x-unknown", "Привет, мир! Как дела?"),
    ],
)
def test_bytes_that_name_no_charset_or_a_wrong_one(data, declared, expected):
    assert charset.decode(data, declared) == expected
