"""The demo, from the checkout: the whole street once, or until Ctrl-C; nothing stays behind."""

from __future__ import annotations

import os
import re
import signal
import smtplib
import subprocess
import sys
from pathlib import Path

from tests.packaging.test_wheel import CONVERSATION, ROOT, environment


def started(tmp_path: Path, **more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "helpdeskd", "demo"],
        cwd=ROOT,
        env=environment() | {"TMPDIR": str(tmp_path)} | more,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_once(tmp_path):
    process = started(tmp_path, DEMO_ONCE="1")
    out, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    at = [out.index(words) for words in CONVERSATION]
    assert at == sorted(at)
    for door in ("by SMTP", "by LMTP", "by pipe.py"):
        assert door in out
    numbers = dict(re.findall(r"^  #(\d+)  \S+ +\S+ +(.+)$", out, re.MULTILINE))
    assert sorted(numbers.values()) == ["Invoice 4711", "My printer is on fire", "Which way is up?"]
    # each customer's acknowledgement and answer, each notice to staff
    fire = next(number for number, subject in numbers.items() if "fire" in subject)
    assert out.count(f"[#{fire}] My printer is on fire") == 2
    assert f"[#{fire}] New: My printer is on fire" in out
    assert f"[#{fire}] Answer: My printer is on fire" in out
    assert os.listdir(tmp_path) == []


def test_until_it_is_interrupted(tmp_path):
    process = started(tmp_path)
    assert process.stdout
    said = []
    for line in process.stdout:
        said.append(line)
        if "Ctrl-C ends it" in line:
            break
    place = re.search(r"smtp 127\.0\.0\.1:(\d+)", "".join(said))
    assert place
    with smtplib.SMTP("127.0.0.1", int(place[1]), timeout=60) as client:  # it is what it says: a daemon that serves
        assert client.sendmail("x@y.example", ["support@desk.example"], "Subject: one more\r\n\r\nhello\r\n") == {}
    process.send_signal(signal.SIGINT)
    rest, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    assert "its folder is gone" in rest
    assert os.listdir(tmp_path) == []
