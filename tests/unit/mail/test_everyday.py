"""Files as people send them every day: no flag on any of them, or a warning that nothing comes of."""

from __future__ import annotations

import gzip
import io
import tarfile

import pytest

from helpdeskd.desk import danger
from helpdeskd.desk.context import Part
from helpdeskd.desk.danger import Flag
from helpdeskd.mail import filetypes
from tests.unit.mail.filebytes import PNG, archive, book, docx, kinds, ole2, rar4, rar5, xls

PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<</Type /Catalog>>"
JPEG = b"\xff\xd8\xff\xe1\0\x18Exif\0\0"
ZIPPED = "application/zip"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def mp4(brand: bytes) -> bytes:
    return b"\0\0\0\x18ftyp" + brand + b"\0\0\0\0" + brand + bytes(40)


def tar() -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as made:
        made.addfile(tarfile.TarInfo("logs/mail.log"))
    return held.getvalue()


# fmt: off
QUIET = [
    # name                              its sender says                bytes
    ("invoice.pdf",                     "application/pdf",             PDF),
    ("RFQ www.firma.pl",                "application/pdf",             PDF),
    ("Offer from example.com",          "application/pdf",             PDF),
    ("Brief an Fa. One",                "application/pdf",             PDF),
    ("Plan of the new App.app",         "image/png",                   PNG),
    ("Offer 1.2 Ltd. & Co.KG.pdf",      "application/pdf",             PDF),
    ("scan.pdf",                        "application/octet-stream",    b"\r\n\r\n" + PDF),
    ("IMG_0001.HEIC",                   "image/heic",                  mp4(b"heic")),
    ("IMG_0002.HEIC",                   "image/heic",                  mp4(b"heix")),
    ("IMG_0003.HEIC",                   "image/heic",                  mp4(b"mif1")),
    ("IMG_0004.HEIC",                   "image/heif",                  mp4(b"msf1")),
    ("IMG_0005.JPG",                    "image/jpeg",                  JPEG),
    ("picture.jpg",                     "image/png",                   JPEG),
    ("fax.tif",                         "image/tiff",                  b"MM\0*\0\0\0\x08"),
    ("large.tif",                       "image/tiff",                  b"MM\0+\0\x08\0\0"),
    ("large too.tif",                   "image/tiff",                  b"II+\0\x08\0\0\0"),
    ("logo.eps",                        "application/postscript",      b"\xc5\xd0\xd3\xc6\x20\0\0\0"),
    ("logo.ai",                         "application/postscript",      PDF),
    ("voice.mp3",                       "audio/mpeg",                  b"\xff\xfb\x90\x00" + bytes(99)),
    ("song.mp3",                        "audio/mpeg",                  b"ID3\x03\0\0\0\0\0\x7f"),
    ("memo.m4a",                        "audio/mp4",                   mp4(b"mp42")),
    ("call.wav",                        "audio/wav",                   b"RIFF\0\0\0\0WAVEfmt "),
    ("old.mov",                         "video/quicktime",             b"\0\0\0\x08wide\0\0\0\0mdat"),
    ("film.mov",                        "video/quicktime",             mp4(b"qt  ")),
    ("film.3gp",                        "video/3gpp",                  mp4(b"3gp5")),
    ("film.mpg",                        "video/mp4",                   b"\0\0\x01\xba\x44\0"),
    ("letter.docx",                     ZIPPED,                        docx()),
    ("letter.docx",                     "application/msword",          kinds("application/xml")),
    ("numbers.xlsx",                    XLSX,                          archive("[Content_Types].xml", "xl/workbook.xml")),
    ("letter.odt",                      "application/vnd.oasis.opendocument.text", archive("content.xml", first=("mimetype", b"application/vnd.oasis.opendocument.text"))),
    ("numbers.xls",                     "application/vnd.ms-excel",    xls(book(0, 0, 2))),
    ("letter.doc",                      "application/msword",          ole2("WordDocument", "1Table", "ObjectPool")),
    ("mail.msg",                        "application/vnd.ms-outlook",  ole2("__properties_version1.0", "__attach_version1.0_#00000000")),
    ("book.epub",                       "application/epub+zip",        archive("META-INF/container.xml", "OPS/a.js", first=("mimetype", b"application/epub+zip"))),
    ("photos.zip",                      ZIPPED,                        archive("a.jpg", "Thumbs.db", "desktop.ini", "autorun.inf")),
    ("photos.zip",                      "application/x-zip-compressed", archive("a.jpg", "b/c.jpg")),
    ("files.zip",                       ZIPPED,                        tar()),
    ("files.rar",                       "application/vnd.rar",         rar5("a.pdf", "b.jpg")),
    ("files.rar",                       "application/x-rar",           rar4("a.pdf", "b.jpg")),
    ("logs.tar",                        "application/x-tar",           tar()),
    ("logs.tar.gz",                     "application/gzip",            gzip.compress(tar())),
    ("list.csv",                        "text/csv",                    b"ID;Preis;Name\r\n1;2;3\r\n"),
    ("ITSF.csv",                        "text/csv",                    b"ITSF;No;x\r\n1,2"),
    ("codes.txt",                       "text/plain",                  b"xar! is the best"),
    ("parts.csv",                       "text/csv",                    b"Cr24,Cr25\n"),
    ("disks.csv",                       "text/csv",                    b"KDMV,1\n"),
    ("firm.txt",                        "text/plain",                  b"conectix is a firm"),
    ("list.txt",                        "text/plain",                  b"MZ\tcolumn\x0c\n"),
    ("note.txt",                        "text/plain",                  b"#!important: this is no script\n"),
    ("chat.log",                        "text/plain",                  b"#!/channel log\n"),
    ("notes.md",                        "text/markdown",               b"#! Title\n"),
    ("shop.url",                        "application/octet-stream",    b"[InternetShortcut]\r\nURL=https://shop.example/1?a=b\r\n"),
    ("shop.webloc",                     "application/octet-stream",    b"<?xml version='1.0'?><plist><dict><key>URL</key><string>https://a.example</string></dict></plist>"),
    ("invoice.xml",                     "application/xml",             b"<?xml version='1.0'?><Invoice/>"),
    ("meeting.ics",                     "text/calendar",               b"BEGIN:VCALENDAR\r\n"),
    ("card.vcf",                        "text/vcard",                  b"BEGIN:VCARD\r\n"),
    ("smime.p7s",                       "application/pkcs7-signature", b"0\x82\x01\x02\x06\x09"),
    ("signature.asc",                   "application/pgp-signature",   b"-----BEGIN PGP SIGNATURE"),
    ("empty.txt",                       "text/plain",                  b""),
    ("data.mat",                        "application/octet-stream",    bytes(range(200))),
]
# Pages may run scripts; that is told, and no policy keeps them back.
PAGES = [
    ("page.html",                       "text/html",                   b"Hello <b>you</b>"),
    ("list.html",                       "text/html",                   b"<ul><li>x</ul>"),
    ("page.xhtml",                      "application/xhtml+xml",       b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"/>'),
    ("saved.zip",                       ZIPPED,                        archive("page.html", "page_files/a.js")),
    ("links.zip",                       ZIPPED,                        archive("read me.url")),
]
# fmt: on


def flags(name: str, claimed: str, data: bytes) -> tuple[Flag, ...]:
    found = filetypes.look(name, data)
    return danger.flags(Part(name, claimed, len(data), "", found_type=found.found_type, danger=found.danger))


@pytest.mark.parametrize(("name", "claimed", "data"), QUIET)
def test_no_flag(name, claimed, data):
    assert flags(name, claimed, data) == ()


@pytest.mark.parametrize(("name", "claimed", "data"), PAGES)
def test_pages_are_told_and_no_more(name, claimed, data):
    assert flags(name, claimed, data) == (Flag.ACTIVE,)


# fmt: off
LOUD = [
    ("www.firma.pl",   "text/plain",              b"use strict; print 1;\n",                             (Flag.EXECUTABLE,)),
    ("run",            "text/plain",              b"#!/bin/sh\nrm -rf ~\n",                              (Flag.EXECUTABLE,)),
    ("run",            "text/plain",              b"#! /usr/bin/env python\n",                           (Flag.EXECUTABLE,)),
    ("help.txt",       "text/plain",              b"ITSF\x03\0\0\0",                                     (Flag.EXECUTABLE,)),
    ("disk.txt",       "text/plain",              b"KDMV\x01\0\0\0",                                     (Flag.EXECUTABLE,)),
    ("shop.url",       "text/plain",              b"[InternetShortcut]\r\nURL=file://host/share/x.exe",  (Flag.EXECUTABLE,)),
    ("shop.url",       "text/plain",              b"[InternetShortcut]\r\nURL=https://a.example\r\nIconFile=\\\\host\\a", (Flag.EXECUTABLE,)),
    ("shop.url",       "text/plain",              b"[x]\r\nURL=https://a.example\r\nURL=ms-x:y\r\n",     (Flag.EXECUTABLE,)),
    ("shop.webloc",    "text/plain",              b"<?xml version='1.0'?><string>https://a.example</string><string>smb://a</string>", (Flag.EXECUTABLE,)),
    ("page.png",       "image/png",               b"<html>",                                             (Flag.ACTIVE, Flag.OTHER)),
    ("drawing.svg",    "image/svg+xml",           b"<html>",                                             (Flag.ACTIVE, Flag.OTHER)),
    ("files.zip",      ZIPPED,                    b"MZ\0\0",                                             (Flag.EXECUTABLE, Flag.OTHER)),
    ("files.zip",      ZIPPED,                    PDF,                                                   (Flag.OTHER,)),
    ("song.mp3",       "audio/mpeg",              b"<html>",                                             (Flag.ACTIVE, Flag.OTHER)),
]
# fmt: on


@pytest.mark.parametrize(("name", "claimed", "data", "found"), LOUD)
def test_what_only_looks_like_them(name, claimed, data, found):
    assert flags(name, claimed, data) == found


MISSED = "ws rdp appinstaller vsto pyo pyzw mpkg inetloc fileloc wsb ppkg wll xnk mda mad osd prg bash applescript"


@pytest.mark.parametrize("ending", MISSED.split())
def test_endings_that_start_something(ending):
    assert flags(f"a.{ending}", "text/plain", b"Hello.") == (Flag.EXECUTABLE,)


@pytest.mark.parametrize("ending", ["mdb", "accdb", "ppa", "vsdm", "xlam"])
def test_endings_that_carry_macros(ending):
    assert flags(f"a.{ending}", "text/plain", b"Hello.") == (Flag.MACROS,)
