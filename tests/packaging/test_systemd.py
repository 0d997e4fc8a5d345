"""The units, as systemd reads them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
UNITS = sorted((ROOT / "systemd").iterdir())


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_finds_nothing_wrong(tmp_path):
    for unit in UNITS:
        text = unit.read_text().replace("/opt/helpdeskd/bin/helpdeskd", "/bin/true")
        text = re.sub(r"^(User|Group)=helpdeskd$", r"\1=root", text, flags=re.MULTILINE)
        (tmp_path / unit.name.replace("@", "@doors")).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", *sorted(map(str, tmp_path.iterdir()))], capture_output=True, text=True
    )
    ours = [line for line in (done.stdout + done.stderr).splitlines() if "helpdeskd" in line]
    assert ours == []
    assert done.returncode == 0


@pytest.mark.parametrize("unit", [unit for unit in UNITS if unit.suffix == ".service"], ids=lambda unit: unit.name)
def test_a_service_has_no_powers_it_does_not_need(unit):
    text = unit.read_text()
    for line in (
        "User=helpdeskd",
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "PrivateTmp=yes",
        "SystemCallFilter=@system-service",
    ):
        assert f"\n{line}\n" in text
    powers = re.search(r"^CapabilityBoundingSet=(.*)$", text, re.MULTILINE)
    assert powers
    assert powers[1] in {"", "CAP_NET_BIND_SERVICE"}


def test_a_pass_by_timer_never_stops_a_daemon():
    """systemd stops the one of two units in conflict that runs already."""
    assert "Conflicts=" not in (ROOT / "systemd/helpdeskd-fetch.service").read_text()


def test_the_daemon_tells_systemd_and_is_watched():
    for name in ("helpdeskd.service", "helpdeskd@.service"):
        text = (ROOT / "systemd" / name).read_text()
        assert "Type=notify\n" in text
        assert re.search(r"^WatchdogSec=\d+$", text, re.MULTILINE)
        assert re.search(r"^ExecReload=.*HUP", text, re.MULTILINE)
