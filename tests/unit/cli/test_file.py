"""file export and release, and what is said of files elsewhere."""

from __future__ import annotations

from tests.unit.mail.filebytes import EXE


def test_a_file_from_a_mail_to_the_desk_of_staff(house):
    house("department", "set", "support", "--files", "hold").ok()
    mail = (
        b"From: carol@client.example\r\nTo: support@desk.example\r\nSubject: Look\r\nMessage-ID: <1@client.example>\r\n"
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nSee the file.\r\n--b\r\n"
        b"Content-Type: application/pdf; name=bill.pdf.exe\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        b"TVqQAAMAAAA=\r\n--b--\r\n"
    )
    marks = "flagged: may run a program, the name hides what it is, not what it says"
    line = f"bill.pdf.exe, application/pdf, by its bytes application/vnd.microsoft.portable-executable, 8 B; {marks}"
    (house.folder / "m.eml").write_bytes(mail)
    assert line in house("mail", "explain", str(house.folder / "m.eml")).ok()
    house.mail(mail)
    house("fetch", "--through").ok()
    number = str(house("ticket", "list", "--json").json[0]["ticket"]["number"])
    assert f"[file 1: {line}, held]" in house("ticket", "show", number).ok().splitlines()
    out = house.folder / "bill"
    house("file", "export", "1", str(out)).ok()
    assert out.read_bytes() == EXE[:8]
    assert house("file", "export", "1", "-").raw == EXE[:8]
    assert house("file", "export", "1", str(out)).failed(1) == f"cannot write {out}: File exists"
    assert house("file", "export", "2", "-").failed(1) == "there is no attachment 2"
    said = house("file", "release", "1").ok()
    assert said == f"Released bill.pdf.exe of #{number}. Mails that went out without it are not sent again.\n"
    assert f"[file 1: {line}, released]" in house("ticket", "show", number).ok().splitlines()
    assert house("file", "release", "1").failed(1) == "file 1 is not held"
    assert "file-released by Ada Lovelace  name=bill.pdf.exe" in house("ticket", "show", number, "--history").ok()
    said = house("ticket", "reply", number, "Run this.", "--attach", str(out), "--attach", str(house.config)).ok()
    assert said == f"Answered #{number}.\nNot passed on, by the department's policy: bill\n"
    assert "files-withheld by Ada Lovelace  files=['bill']" in house("ticket", "show", number, "--history").ok()
