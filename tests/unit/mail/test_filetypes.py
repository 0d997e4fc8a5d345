"""What a file is, and what opening it may do: by its bytes, by its name, by both."""

from __future__ import annotations

import io

import pytest

from helpdeskd.mail import fileclaims, filetypes
from helpdeskd.mail.filetypes import Look
from helpdeskd.model.files import Danger
from tests.unit.mail.filebytes import EXE, MSI_CLSID, PAGE, PNG, archive, docx, ole2

NONE, ACTIVE, ENCRYPTED, MACROS, EXECUTABLE = Danger
OCTETS = "application/octet-stream"
OOXML = "application/vnd.openxmlformats-officedocument"

# fmt: off
BY_BYTES = [
    ("nothing",                 b"",                                      OCTETS,                                   NONE),
    ("text",                    b"Hello,\nWorld\n",                       "text/plain",                             NONE),
    ("a name in capitals",      b"MZ is short for Mark Zbikowski",        "text/plain",                             NONE),
    ("text that says BM",       b"BM means benchmark, or bookmark",       "text/plain",                             NONE),
    ("bytes",                   bytes(range(1, 200)),                     OCTETS,                                   NONE),
    ("PE",                      EXE,                                      "application/vnd.microsoft.portable-executable", EXECUTABLE),
    ("ELF",                     b"\x7fELF\x02\x01\x01",                   "application/x-elf",                      EXECUTABLE),
    ("Mach-O",                  b"\xcf\xfa\xed\xfe\x07",                  "application/x-mach-binary",              EXECUTABLE),
    ("a Java class",            b"\xca\xfe\xba\xbe\0\0\0\x41",            "application/x-mach-binary",              EXECUTABLE),
    ("script",                  b"#!/bin/sh\nrm -rf /\n",                 "text/x-script",                          EXECUTABLE),
    ("script behind a BOM",     b"\xef\xbb\xbf#!/bin/sh\n",               "text/x-script",                          EXECUTABLE),
    ("shortcut",                b"L\0\0\0\x01\x14\x02\0\0\0",             "application/x-ms-shortcut",              EXECUTABLE),
    ("help",                    b"ITSF\x03\0\0\0",                        "application/vnd.ms-htmlhelp",            EXECUTABLE),
    ("OneNote",                 bytes.fromhex("e4525c7b8cd8a74daeb15378d02996d3") + bytes(9), "application/onenote", EXECUTABLE),
    ("ISO",                     bytes(32769) + b"CD001\x01" + bytes(99),  "application/x-disk-image",               EXECUTABLE),
    ("UDF",                     bytes(32769) + b"BEA01\x01" + bytes(99),  "application/x-disk-image",               EXECUTABLE),
    ("FAT image",               bytes(54) + b"FAT12   " + bytes(448) + b"\x55\xaa" + bytes(512), "application/x-disk-image", EXECUTABLE),
    ("DMG",                     bytes(2000) + b"koly" + bytes(508),       "application/x-disk-image",               EXECUTABLE),
    ("VHDX",                    b"vhdxfile" + bytes(99),                  "application/x-vhdx",                     EXECUTABLE),
    ("PNG",                     PNG,                                      "image/png",                              NONE),
    ("JPEG",                    b"\xff\xd8\xff\xe0\0\x10JFIF",            "image/jpeg",                             NONE),
    ("GIF",                     b"GIF89a\1\0\1\0",                        "image/gif",                              NONE),
    ("WebP",                    b"RIFF\x24\0\0\0WEBPVP8 ",                "image/webp",                             NONE),
    ("WebP in another box",     b"RIFX\x24\0\0\0WEBPVP8 ",                OCTETS,                                   NONE),
    ("BMP",                     b"BM" + bytes(12) + b"\x28\0\0\0" + bytes(9), "image/bmp",                          NONE),
    ("MP4",                     b"\0\0\0\x18ftypisom",                    "video/mp4",                              NONE),
    ("RTF",                     b"{\\rtf1 Hello}",                        "application/rtf",                        NONE),
    ("PDF",                     b"%PDF-1.7\n1 0 obj <</Type /Catalog>>",  "application/pdf",                        NONE),
    ("PDF with a script",       b"%PDF-1.7\n<</S /JavaScript /JS (a)>>",  "application/pdf",                        ACTIVE),
    ("PDF that starts things",  b"%PDF-1.7\n<</S /Launch /F (a)>>",       "application/pdf",                        ACTIVE),
    ("PDF behind a line",       b"X-Junk\r\n%PDF-1.4\n",                  "application/pdf",                        NONE),
    ("PDF, script at its end",  b"%PDF-1.7\n" + b" " * 900_000 + b"/JS(a)", "application/pdf",                      ACTIVE),
    ("page",                    b" \r\n<!DOCTYPE HTML><p>",               "text/html",                              ACTIVE),
    ("page behind a comment",   PAGE,                                     "text/html",                              ACTIVE),
    ("script element",          b"<script>alert(1)</script>",             "text/html",                              ACTIVE),
    ("page in UTF-16",          "<html><body>".encode("utf-16"),          "text/html",                              ACTIVE),
    ("XHTML",                   b"<?xml version='1.0'?>\n<html xmlns='x'>", "text/html",                            ACTIVE),
    ("text about pages",        b"In HTML, <script> begins a script.",    "text/plain",                             NONE),
    ("SVG",                     b"<svg xmlns='http://www.w3.org/2000/svg'>", "image/svg+xml",                      ACTIVE),
    ("SVG with all around it",  b"<?xml version='1.0'?><!-- x --><!DOCTYPE svg PUBLIC 'a' 'b'><svg:svg>", "image/svg+xml", ACTIVE),
    ("XML",                     b"<?xml version='1.0'?><Invoice/>",       "text/xml",                               NONE),
    ("XML with a stylesheet",   b"<?xml version='1.0'?><?xml-stylesheet href='a.xsl'?><a/>", "text/xml",            ACTIVE),
    ("Flash",                   b"CWS\x0a\0\0\0\0",                       "application/vnd.adobe.flash.movie",      ACTIVE),
    ("ZIP",                     archive("a.txt", "b/c.pdf"),              "application/zip",                        NONE),
    ("ZIP with a comment",      archive("a.exe", comment=b"PK\x05\x06 is how the end begins"), "application/zip",   EXECUTABLE),
    ("ZIP with a program",      archive("a.txt", "b/Setup.EXE"),          "application/zip",                        EXECUTABLE),
    ("ZIP with a macro file",   archive("b/plan.docm"),                   "application/zip",                        MACROS),
    ("encrypted ZIP",           archive("a.txt", sealed=True),            "application/zip",                        ENCRYPTED),
    ("encrypted program",       archive("a.scr", sealed=True),            "application/zip",                        EXECUTABLE),
    ("ZIP cut off",             archive("a.exe", "b.txt")[:60],           "application/zip",                        EXECUTABLE),
    ("JAR",                     archive("META-INF/MANIFEST.MF", "a/B.class"), "application/java-archive",           EXECUTABLE),
    ("APK",                     archive("AndroidManifest.xml", "classes.dex"), "application/zip",                   EXECUTABLE),
    ("JAR behind a picture",    PNG + archive("META-INF/MANIFEST.MF", "B.class"), "image/png",                      EXECUTABLE),
    ("docx",                    docx(),                                   f"{OOXML}.wordprocessingml.document",     NONE),
    ("docx with macros",        docx("word/vbaProject.bin"),              "application/vnd.ms-word.document.macroEnabled.12", MACROS),
    ("xlsx",                    archive("[Content_Types].xml", "xl/workbook.xml"), f"{OOXML}.spreadsheetml.sheet",  NONE),
    ("xlsx, macros of Excel 4", archive("[Content_Types].xml", "xl/workbook.xml", "xl/macrosheets/sheet1.xml"),
                                                                          "application/vnd.ms-excel.sheet.macroEnabled.12", MACROS),
    ("pptx, odd letters",       archive("[Content_Types].xml", "ppt/p.xml", "ppt\\VBAPROJECT.BIN"),
                                                                          "application/vnd.ms-powerpoint.presentation.macroEnabled.12", MACROS),
    ("odt",                     archive("content.xml", "Basic/script-lc.xml", first=("mimetype", b"application/vnd.oasis.opendocument.text")),
                                                                          "application/vnd.oasis.opendocument.text", NONE),
    ("odt with macros",         archive("Basic/Standard/Module1.xml", first=("mimetype", b"application/vnd.oasis.opendocument.text")),
                                                                          "application/vnd.oasis.opendocument.text", MACROS),
    ("EPUB, called nothing",    archive("a.js", first=("mimetype", b"application/epub+zip")), "application/epub+zip", EXECUTABLE),
    ("7z",                      b"7z\xbc\xaf\x27\x1c\0\x04",              "application/x-7z-compressed",            NONE),
    ("RAR 4",                   b"Rar!\x1a\x07\0\0\0\x73\0\0",            "application/vnd.rar",                    NONE),
    ("RAR 4, names hidden",     b"Rar!\x1a\x07\0\0\0\x73\x80\0",          "application/vnd.rar",                    ENCRYPTED),
    ("RAR 5, names hidden",     b"Rar!\x1a\x07\x01\0\0\0\0\0\x21\x04",    "application/vnd.rar",                    ENCRYPTED),
    ("doc",                     ole2("WordDocument", "1Table"),           "application/msword",                     NONE),
    ("doc of large sectors",    ole2("WordDocument", "VBA", shift=12),    "application/msword",                     MACROS),
    ("doc with macros",         ole2("WordDocument", "Macros", "VBA", "dir"), "application/msword",                 MACROS),
    ("xls, macros far behind",  ole2("Workbook", *(f"s{n}" for n in range(90)), "_VBA_PROJECT_CUR"), "application/vnd.ms-excel", MACROS),
    ("doc cut off",             ole2("WordDocument", "1Table", "2Table", "3Table")[:1536], "application/msword",    MACROS),
    ("doc that runs in rings",  ole2("WordDocument", last=1),             "application/msword",                     MACROS),
    ("encrypted docx",          ole2("EncryptionInfo", "EncryptedPackage"), "application/x-ole-storage",            ENCRYPTED),
    ("MSI",                     ole2("Tables", clsid=MSI_CLSID),          "application/x-msi",                      EXECUTABLE),
    ("Outlook message",         ole2("__properties_version1.0"),          "application/vnd.ms-outlook",             NONE),
    ("OLE2, nothing else",      b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",      "application/x-ole-storage",              MACROS),
]
BY_NAME = [
    ("a.txt",                 NONE),
    ("setup.exe",             EXECUTABLE),
    ("SETUP.EXE. . ",         EXECUTABLE),
    ("setup.exe" + " ." * 700, EXECUTABLE),
    ("setup.exe\u00a0\u200b",  EXECUTABLE),
    ("setup.exe\0.txt",       EXECUTABLE),
    ("run.BAT",               EXECUTABLE),
    ("a.cmd",                 EXECUTABLE),
    ("a.ps1",                 EXECUTABLE),
    ("a.vbs",                 EXECUTABLE),
    ("a.js",                  EXECUTABLE),
    ("a.hta",                 EXECUTABLE),
    ("a.lnk",                 EXECUTABLE),
    ("a.scr",                 EXECUTABLE),
    ("a.iso",                 EXECUTABLE),
    ("a.img",                 EXECUTABLE),
    ("a.one",                 EXECUTABLE),
    ("a.msi",                 EXECUTABLE),
    ("invoice.pdf.exe",       EXECUTABLE),
    ("example.com",           EXECUTABLE),
    ("plan.xlsm",             MACROS),
    ("page.shtml",            ACTIVE),
    ("picture.svg",           ACTIVE),
    ("exe",                   NONE),
    (".exe.txt",              NONE),
    ("",                      NONE),
    ("...",                   NONE),
]
# fmt: on


@pytest.mark.parametrize(("what", "data", "found", "danger"), BY_BYTES, ids=[row[0] for row in BY_BYTES])
def test_by_its_bytes(what, data, found, danger):
    assert filetypes.look("", data) == Look(found, danger)
    assert filetypes.look_into("", io.BytesIO(data), len(data)) == Look(found, danger)


@pytest.mark.parametrize(("name", "danger"), BY_NAME)
def test_by_its_name(name, danger):
    assert filetypes.look(name, b"Hello.") == Look("text/plain", danger)
    assert filetypes.by_name(name, "text/plain") == Look("text/plain", danger)


def test_the_worse_of_both_counts():
    assert filetypes.look("photo.jpg", EXE).danger is EXECUTABLE
    assert filetypes.look("plan.docm", docx()).danger is MACROS
    assert filetypes.look("page.html", PNG) == Look("image/png", ACTIVE)


def test_what_a_company_is_called_makes_no_program_of_its_offer():
    assert filetypes.look("Offer from example.com", b"%PDF-1.7\n").danger is NONE
    assert filetypes.look("edit.com", b"X5O!P%@AP").danger is EXECUTABLE


@pytest.mark.parametrize("claimed", ["application/x-msdownload", "Application/X-MSDownload; name=a", "application/java-archive"])  # fmt: skip
def test_nobody_has_looked_and_it_says_that_it_is_a_program(claimed):
    assert filetypes.by_name("a", claimed).danger is EXECUTABLE


HIDING = [
    ("invoice.pdf.exe", True),
    ("photo.jpg          .scr", True),
    ("Photo.JPG.Lnk.", True),
    ("invoice.pdf", False),
    ("setup.exe", False),
    ("version 1.2.exe", False),
    ("archive.tar.gz", False),
]


@pytest.mark.parametrize(("name", "hides"), HIDING)
def test_two_endings(name, hides):
    assert filetypes.hides_its_ending(name) is hides


# fmt: off
SERVED = [
    # claimed                 by its bytes                served as
    ("image/png",             "image/png",                "image/png"),
    ("image/jpeg",            "image/png",                "image/png"),
    ("text/html",             "image/png",                "image/png"),
    ("image/png",             "text/html",                OCTETS),
    ("text/html",             "text/html",                OCTETS),
    ("image/svg+xml",         "image/svg+xml",            OCTETS),
    ("text/plain",            "text/html",                OCTETS),
    ("text/csv; charset=x",   "text/plain",               "text/csv"),
    ("text/html",             "text/plain",               "text/plain"),
    ("application/xml",       "text/plain",               OCTETS),
    ("image/png",             "text/plain",               "text/plain"),
    ("image/png",             OCTETS,                     OCTETS),
    ("application/x-special", OCTETS,                     "application/x-special"),
    ("application/x-special", "application/zip",          "application/x-special"),
    ("application/zip",       "application/zip",          "application/zip"),
    ("image/png",             None,                       "image/png"),
    ("text/html",             None,                       OCTETS),
    ("message/rfc822",        "message/rfc822",           OCTETS),
]
PRETENDING = [
    ("image/png",                "text/html",             True),
    ("application/pdf",          EXE,                     True),
    ("image/png",                "image/jpeg",            False),
    ("application/octet-stream", "application/pdf",       False),
    ("text/html",                "text/html",             False),
    ("application/msword",       "application/rtf",       False),
]
# fmt: on


@pytest.mark.parametrize(("claimed", "found", "served"), SERVED)
def test_what_it_is_served_as(claimed, found, served):
    assert fileclaims.served_type(claimed, found) == served


@pytest.mark.parametrize(("claimed", "found", "pretends"), PRETENDING)
def test_what_says_that_it_is_something_else(claimed, found, pretends):
    assert fileclaims.pretends(claimed, str(found)) is pretends


def test_two_directories_are_both_read():
    """One program goes by the length before the end, another by the offset: what either would open counts."""
    hidden = archive("a.exe")
    shown = archive("a.txt")
    at = hidden.index(b"PK\x01\x02")
    directory = hidden[at : hidden.rindex(b"PK\x05\x06")]
    end = shown.rindex(b"PK\x05\x06")
    middle = shown.index(b"PK\x01\x02")
    moved = shown[end:-6] + (middle).to_bytes(4, "little") + shown[-2:]
    data = shown[:middle] + directory + shown[middle:end] + moved
    assert filetypes.look("a.zip", data).danger is EXECUTABLE


def test_of_a_directory_too_large_to_be_read_nobody_knows():
    name = "x" * 60_000
    assert filetypes.look("a.zip", archive(*(f"{name}{n}" for n in range(36)))).danger is EXECUTABLE
    assert filetypes.look("a.zip", archive(*(f"{name}{n}" for n in range(30)))).danger is NONE
