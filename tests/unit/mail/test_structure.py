"""What people see of a tree of parts: which text, which files, under which names."""

from __future__ import annotations

import pytest

from tests.unit.mail.test_fixtures import read

HEAD = b"From: a@example.org\nSubject: x\nMIME-Version: 1.0\n"


def mixed(*parts: bytes, kind: bytes = b"mixed") -> bytes:
    return (
        HEAD
        + b"Content-Type: multipart/"
        + kind
        + b"; boundary=b\n\n"
        + b"".join(b"--b\n" + one + b"\n" for one in parts)
        + b"--b--\n"
    )


TEXT = b"\nmy words"
PDF = b"Content-Type: application/pdf; name=a.pdf\n\n%PDF"


@pytest.mark.parametrize(
    ("raw", "text", "files"),
    [
        (mixed(TEXT, PDF), "my words", ["a.pdf"]),
        (mixed(PDF, TEXT), "my words", ["a.pdf"]),
        (mixed(TEXT, PDF, b"\nmore words"), "my words\nmore words", ["a.pdf"]),
        (
            mixed(TEXT, b"Content-Type: application/applefile\n\n\0\5", PDF, kind=b"appledouble"),
            "my words",
            ["part-1.bin", "a.pdf"],
        ),
        (
            mixed(b"Content-Type: application/applefile\n\n\0\5", PDF, kind=b"appledouble"),
            "",
            ["._a.pdf", "a.pdf"],
        ),
        (
            mixed(TEXT, b"Content-Type: text/x-vcard\n\nBEGIN:VCARD\nFN;CHARSET=utf-8:Ann M\xc3\xbcller\nEND:VCARD"),
            "my words",
            ["Ann Müller.vcf"],
        ),
        (
            mixed(b"Content-Type: text/plain; format=flowed\n\none \ntwo\n> three \n> four\n-- \nAnn"),
            "one two\n> three four\n-- \nAnn",
            [],
        ),
        (mixed(b"Content-Type: text/plain; format=flowed; delsp=yes\n\non \ne"), "one", []),
        (
            mixed(TEXT, b"Content-Type: text/plain\n\nbefore\nbegin 644 a b.txt\n#86)C\n`\nend\nafter"),
            "my words\nbefore\nafter",
            ["a b.txt"],
        ),
        (mixed(TEXT, b"Content-Type: image/png\nContent-Description: Our logo\n\nx"), "my words", ["Our logo.png"]),
        (mixed(TEXT, b"Content-Type: image/png\nContent-Description: =?utf-8?q?B=C3=BCro=2Epng?=\n\nx"), "my words", ["Büro.png"]),
        (
            mixed(TEXT, b"Content-Type: message/delivery-status\nContent-Description: Delivery report\n\nx: y"),
            "my words",
            ["Delivery report.txt"],
        ),
        (
            mixed(TEXT, b"Content-Type: message/rfc822\nContent-Description: Returned\n\nFrom: b@example.org\n\ninner words"),
            "my words",
            ["Returned.eml"],
        ),
        (mixed(TEXT, b"Content-Type: application/pdf\nContent-Disposition: attachment filename=a.pdf\n\nx"), "my words", ["a.pdf"]),
        (mixed(TEXT, b"Content-Type: text/x-vcard; name=ann.vcf\n\nBEGIN:VCARD"), "my words", ["ann.vcf"]),
        (
            HEAD + b"Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\nthese words are plain, whatever\nthe header says\n",
            "these words are plain, whatever\nthe header says",
            [],
        ),
        (
            HEAD + b'Content-Type: text/html\n\n<meta http-equiv=x content="text/html; charset=koi8-r">\xf0\xd2\xc9\xd7\xc5\xd4',
            "Привет",
            [],
        ),
        (HEAD + b"Subject: y\nReceived from nobody\n by x\nX-Own: z\n\nmy words\n", "my words\n", ["original.eml"]),
    ],
)  # fmt: skip
def test_text_and_files(raw, text, files):
    mail = read(raw)
    assert mail.text + mail.quote == text
    assert [part.name for part in mail.parts] == files


@pytest.mark.parametrize(
    ("header", "name"),
    [
        (b'attachment; filename="B\xfccher.pdf"', "Bücher.pdf"),
        (b'attachment; filename="B\xc3\xbccher.pdf"', "Bücher.pdf"),
        (b"attachment; filename*=utf-8''B%FCcher.pdf", "Bücher.pdf"),
        (b"attachment; filename*=B%C3%BCcher.pdf", "Bücher.pdf"),
        (b'attachment;\n filename*0="=?utf-8?Q?B=C3=BC";\n filename*1="cher.pdf?="', "Bücher.pdf"),
        (b"attachment; filename==?utf-8?B?QsO8Y2hlci5wZGY=?=", "Bücher.pdf"),
        (b'attachment; filename="=?utf-8?Q?B=C3?=\n =?utf-8?Q?=BCcher.pdf?="', "Bücher.pdf"),
        (b'attachment; filename="my\n file.pdf"', "my file.pdf"),
        (b'attachment; filename="&#26085;&#26412;.pdf"', "日本.pdf"),
        (b"attachment; filename=x.pdf; filename=y.pdf", "x.pdf"),
        (b'attachment; filename="C:\\temp\\b.pdf"', "b.pdf"),
    ],
)
def test_names(header, name):
    mail = read(HEAD + b"Content-Type: application/pdf\nContent-Disposition: " + header + b"\n\nx")
    assert mail.parts[0].name == name


def test_raw_headers_are_read_together():
    """A name alone is too short to tell its charset; the subject beside it is not."""
    name, subject = "武兰成".encode("gb18030"), "转发：整体提升企业服务水平".encode("gb18030")  # noqa: RUF001 - as written
    mail = read(b'From: "' + name + b'" <a@example.org>\nSubject: ' + subject + b"\n\nx\n")
    assert mail.author is not None
    assert mail.author.name == "武兰成"
