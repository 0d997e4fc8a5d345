"""Macros in documents that are no archive."""

from __future__ import annotations

import io

import pytest

from helpdeskd.mail import filetypes
from helpdeskd.model.files import Danger
from tests.unit.mail.filebytes import book, ole2, xls

NONE, ACTIVE, ENCRYPTED, MACROS, EXECUTABLE = Danger
WORD_2003 = b'<?xml version="1.0"?>\n<?mso-application progid="Word.Document"?>\n<w:wordDocument w:macrosPresent="%s">'
MHT = b"MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=x\r\n\r\n--x\r\nContent-Type: %s\r\n\r\n%s"

# fmt: off
DOCUMENTS = [
    ("sheets",                    "a.xls",   xls(book(0, 0)),                           NONE),
    ("a chart",                   "a.xls",   xls(book(0, 2)),                           NONE),
    ("a sheet of Excel 4",        "a.xls",   xls(book(0, 1)),                           MACROS),
    ("its kind does not matter",  "a.doc",   xls(book(1)),                              MACROS),
    ("a small one",               "a.xls",   xls(book(0), mini=True),                   NONE),
    ("a small one of Excel 4",    "a.xls",   xls(book(0, 0, 0, 0, 1), mini=True),       MACROS),
    ("cut off",                   "a.xls",   xls(book(0))[:2000],                       MACROS),
    ("a password",                "a.xls",   xls(book(0, sealed=True)),                 ENCRYPTED),
    ("a password, and Excel 4",   "a.xls",   xls(book(1, sealed=True)),                 MACROS),
    ("Excel 3, macros",           "a.xls",   b"\x09\x02\x06\0\0\0\x40\0\0\0" + bytes(9), MACROS),
    ("Excel 3, a sheet",          "a.xls",   b"\x09\x02\x06\0\0\0\x10\0\0\0" + bytes(9), NONE),
    ("a file within a document",  "a.doc",   ole2("WordDocument", "\x01Ole10Native"),   EXECUTABLE),
    ("an equation in a document", "a.doc",   ole2("WordDocument", "Equation Native"),   NONE),
    ("Word 2003",                 "a.xml",   WORD_2003 % b"no",                         NONE),
    ("Word 2003 with macros",     "a.doc",   WORD_2003 % b"yes",                        MACROS),
    ("its macros far behind",     "a.xml",   WORD_2003 % b"" + b" " * 900_000 + b"<w:binData w:name='editdata.mso'>", MACROS),
    ("a saved page",              "a.mht",   MHT % (b"text/html", b"<p>"),              ACTIVE),
    ("a saved page with macros",  "a.mht",   MHT % (b"application/x-mso; name=EditData.MSO", b""),         MACROS),
    ("called a document",         "a.doc",   MHT % (b"text/html", b"<p>"),              MACROS),
    ("called something else",     "a.txt",   MHT % (b"x/y", b"QWN0aXZlTWltZQ"),         MACROS),
    ("ActiveMime",                "a.bin",   b"ActiveMime\0\0\1\xf0",                   MACROS),
    ("SYLK with a formula",       "a.xls",   b"ID;P\r\nC;Y1;X1;K0;EEXEC(1)\r\nE\r\n",   MACROS),
    ("SYLK that starts itself",   "a.csv",   b"ID;P\r\nO;E\r\nNN;NAuto_open;ER101C1\r\n", MACROS),
    ("SYLK, a formula far behind", "a.xls",  b"ID;P\r\n" + b'C;Y1;X1;K"a"\r\n' * 9_000 + b"C;K0;EEXEC(1)\r\nE\r\n", MACROS),
    ("SYLK, nothing but words",   "a.xls",   b'ID;PWXL;N\r\nC;Y1;X1;K"a"\r\nE\r\n',   NONE),
    ("a list with such a column", "a.csv",   b"ID;Price;Name\r\n1;2;3\r\n",             NONE),
    ("Access",                    "a.dat",   b"\0\1\0\0Standard ACE DB\0" + bytes(99),  MACROS),
    ("older Access",              "a.dat",   b"\0\1\0\0Standard Jet DB\0" + bytes(99),  MACROS),
    ("words about all of it",     "a.txt",   b"macrosPresent='yes' and editdata.mso",   NONE),
]
# fmt: on


@pytest.mark.parametrize(("what", "name", "data", "danger"), DOCUMENTS, ids=[row[0] for row in DOCUMENTS])
def test_in_plain_sight(what, name, data, danger):
    assert filetypes.look(name, data).danger is danger
    assert filetypes.look_into(name, io.BytesIO(data), len(data)).danger is danger
