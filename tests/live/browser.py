"""A real Chromium, headless, spoken to over its debugging pipe (--remote-debugging-pipe): JSON divided by NUL, no driver needed."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")


def why_not() -> str | None:
    """Why there is no browser here; None where there is one."""
    return None if any(shutil.which(name) for name in NAMES) else "Chromium is not installed (Debian: chromium)"


class Browser:
    """One page in a browser. `fetched` are the URLs of all requests it has made, `said` what it wrote to its console and its log."""

    def __init__(self, ask: int, hear: int) -> None:
        self._ask, self._hear = ask, hear
        self._held = b""
        self._number = 0
        self._session: str | None = None
        self.fetched: list[str] = []
        self.said: list[str] = []
        self._loads = 0
        (target,) = (each for each in self.call("Target.getTargets")["targetInfos"] if each["type"] == "page")
        attached = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """A command of the DevTools protocol: its result."""
        self._number += 1
        number = self._number
        wanted = {"id": number, "method": method, "params": params}
        if self._session is not None:
            wanted["sessionId"] = self._session
        os.write(self._ask, json.dumps(wanted).encode() + b"\0")
        while True:
            heard = self._next()
            if heard.get("id") == number:
                assert "error" not in heard, heard
                found: dict[str, Any] = heard["result"]
                return found

    def open(self, url: str) -> None:
        """Go there, and wait until it is loaded."""
        before = self._loads
        self.call("Page.navigate", url=url)
        self._loaded(before)

    def run(self, code: str) -> Any:
        """The value of an expression of JavaScript in the page (the debugger may, whatever the page's policy says)."""
        found = self.call("Runtime.evaluate", expression=code, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def type(self, selector: str, text: str) -> None:
        """Type into a field, as a person does."""
        self.run(f"document.querySelector({json.dumps(selector)}).focus()")
        self.call("Input.insertText", text=text)

    def submit(self) -> None:
        """Press Enter in the field that has the focus, and wait for the page that follows."""
        before = self._loads
        for kind in ("keyDown", "keyUp"):
            self.call(
                "Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", windowsVirtualKeyCode=13, text="\r"
            )
        self._loaded(before)

    @property
    def text(self) -> str:
        return str(self.run("document.body.innerText"))

    @property
    def focus(self) -> str | None:
        """The name of the field that has the focus. It is given as the page is drawn, which nothing but a picture makes sure of here."""
        self.call("Page.captureScreenshot")
        found: str | None = self.run("document.activeElement.name")
        return found

    def picture(self, path: Path) -> None:
        """For people: a PNG of the window."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))

    def _loaded(self, before: int) -> None:
        while self._loads == before:
            self._next()

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._held:
            data = os.read(self._hear, 1 << 20)
            assert data, "the browser has gone"
            self._held += data
        line, _, self._held = self._held.partition(b"\0")
        heard: dict[str, Any] = json.loads(line)
        match heard:
            case {"method": "Network.requestWillBeSent", "params": {"request": {"url": url}}}:
                self.fetched.append(url)
            case {"method": "Page.loadEventFired"}:
                self._loads += 1
            case {"method": "Log.entryAdded", "params": {"entry": {"text": text}}}:
                self.said.append(text)
            case {"method": "Runtime.consoleAPICalled", "params": {"args": args}}:
                self.said.append(str(args))
        return heard


@contextlib.contextmanager
def browsing(*, script: bool = True) -> Iterator[Browser]:
    """A browser with a profile of its own. `script`: whether pages may run JavaScript."""
    program = next(found for name in NAMES if (found := shutil.which(name)))
    ask_out, ask_in = os.pipe()
    hear_out, hear_in = os.pipe()
    # The pipes must be 3 and 4 in the browser: sh moves them there, wherever they are here.
    moves = f'exec "$0" "$@" 3<&{ask_out} 4>&{hear_in}'
    with tempfile.TemporaryDirectory(prefix="helpdeskd-browser-", ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [
                "/bin/bash", "-c", moves, program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
                "--disable-extensions", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
                "--window-size=1000,800", "--remote-debugging-pipe", f"--user-data-dir={profile}", "about:blank",
            ],
            pass_fds=(ask_out, hear_in),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env={**os.environ, "HOME": profile},
        )  # fmt: skip
        os.close(ask_out)
        os.close(hear_in)
        try:
            browser = Browser(ask_in, hear_out)
            if not script:
                browser.call("Emulation.setScriptExecutionDisabled", value=True)
            yield browser
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            os.close(ask_in)
            os.close(hear_out)
