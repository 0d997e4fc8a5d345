"""Names under which a file can be saved anywhere."""

from __future__ import annotations

import pytest

from helpdeskd.mail.names import safe

# fmt: off
NAMES = [
    ("a.txt",                         "a.txt"),
    ("",                              "file"),
    (" . ",                           "file"),
    ("../../etc/passwd",              "passwd"),
    ("C:\\Windows\\win.ini",          "win.ini"),
    ("C:win.ini",                     "C_win.ini"),
    ("a.txt:hidden",                  "a.txt_hidden"),
    (".bashrc",                       "bashrc"),
    ("setup.exe. . .",                "setup.exe"),
    ("annex\u202Etxt.exe",            "annextxt.exe"),
    ("annex\u200Ftxt.exe",            "annex_txt.exe"),
    ("a\r\nb\0.txt",                  "a b.txt"),
    ("a<b>|c?.txt",                   "a_b__c_.txt"),
    ("CON",                           "_CON"),
    ("con.txt",                       "_con.txt"),
    ("Lpt1 .pdf",                     "_Lpt1 .pdf"),
    ("com\u00b9.pdf",                 "_com\u00b9.pdf"),
    ("console.txt",                   "console.txt"),
    ("\u65e5" * 150 + ".pdf",         "\u65e5" * 78 + ".pdf"),
    ("\U0001f600" * 100,              "\U0001f600" * 60),
]
# fmt: on


@pytest.mark.parametrize(("name", "expected"), NAMES, ids=range(len(NAMES)))
def test_safe(name, expected):
    assert safe(name) == expected
