"""The operators' own program, told of alarms when mail may be what is broken."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

from helpdeskd import log
from helpdeskd.alarms.conditions import TITLES
from helpdeskd.alarms.course import Alarm, News, Phase
from helpdeskd.log import Event

SECONDS = 30.0  # then it is killed, with all that it started

_log = log.get("alarms")


def call(
    command: Sequence[str], host: str, news: Sequence[News], standing: Iterable[Alarm], seconds: float = SECONDS
) -> bool:
    """Run it and wait. JSON on its standard input, the kinds in ALARMS_* of its environment. Never raises: what goes wrong is
    logged, and then False. Its output is not kept: it may hold what no log should."""
    stands = [shown(alarm) for alarm in standing]
    told = {
        "host": host,
        "news": [{"phase": each.phase.value, **shown(each.alarm)} for each in news],
        "standing": stands,
    }
    # Not ours to speak to systemd with. The names do not begin as settings of ours do, so the hook may call helpdeskd.
    kept = {name: value for name, value in os.environ.items() if name not in {"NOTIFY_SOCKET", "WATCHDOG_USEC"}}
    variables = {
        "ALARMS_HOST": host,
        "ALARMS_BEGUN": _kinds(news, Phase.BEGUN),
        "ALARMS_OVER": _kinds(news, Phase.OVER),
        "ALARMS_STANDING": " ".join(dict.fromkeys(each["kind"] for each in stands)),
        "ALARMS_TEXT": "\n".join(f"{each.phase}: {line(each.alarm)}" for each in news).replace("\0", ""),
    }
    try:
        process = subprocess.Popen(  # noqa: S603  # the operators' own command, from their own settings; no shell
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=kept | variables,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        _log.error(Event.TROUBLE, part="alarms.hook", error=str(error))
        return False
    try:
        process.communicate(json.dumps(told).encode(), seconds)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        _log.error(Event.TROUBLE, part="alarms.hook", error=f"killed after {seconds:g} s")
        return False
    if process.returncode:
        _log.error(Event.TROUBLE, part="alarms.hook", error=f"exit code {process.returncode}")
    return not process.returncode


def shown(alarm: Alarm) -> dict[str, Any]:
    """An alarm as plain values."""
    return {
        "kind": alarm.key.kind.value,
        "subject": alarm.key.subject,
        "title": TITLES[alarm.key.kind],
        "words": alarm.words,
        "since": f"{alarm.since:%Y-%m-%dT%H:%M:%SZ}",
    }


def line(alarm: Alarm) -> str:
    """An alarm as one line for people."""
    return " ".join(f"{TITLES[alarm.key.kind]} ({alarm.words})".split())


def _kinds(news: Iterable[News], phase: Phase) -> str:
    return " ".join(dict.fromkeys(each.alarm.key.kind.value for each in news if each.phase is phase))
