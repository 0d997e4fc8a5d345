"""Public clients of Jitbit as they are published, run as tools against a daemon: what a person who has one does first.

`make clients` fetches them where their registry has them; none of their code is ours. What each of the others asks is in
tests/unit/http/jitbit/test_clients.py, and of HelpDeskZ no client is published.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import smtplib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from tests.live.house import CUSTOMER, STAFF, SUPPORT, House, mail, parsed
from tests.live.machine import free_port, wait_until

pytestmark = pytest.mark.live

FETCHED = Path(sys.prefix) / "clients" / "node_modules"  # by `make clients`
PICTURE = bytes(range(256)) * 100

# Calls the methods that it is told of, one after the other, with what each is given; says what each gave.
CALLER = """
const Client = require('jitbit-js');
const [options, calls] = JSON.parse(require('fs').readFileSync(0));
const client = new Client({...options, disableCaching: true});
(async () => {
  const gave = [];
  for (const [method, given] of calls) {
    const found = await client[method](given);
    gave.push(Buffer.isBuffer(found) ? found.toString('base64') : found);
  }
  console.log(JSON.stringify(gave));
})();
"""


def fetched(package: str) -> Path:
    """Its folder; skips where it is not there."""
    if not shutil.which("node"):
        pytest.skip(f"{package} needs node")
    if not (FETCHED / package / "package.json").exists():
        pytest.skip(f"{package} is not here: `make clients` fetches it, where its registry has it")
    return FETCHED / package


@dataclass
class Served:
    """A daemon with one ticket, which came by mail with a file; `token` is an administrator's."""

    root: str
    token: str

    def js(self, *calls: tuple[str, dict[str, Any]]) -> list[Any]:
        said = json.dumps([{"baseUrl": f"{self.root}/api", "token": self.token}, calls])
        env = os.environ | {"NODE_PATH": str(FETCHED)}
        done = subprocess.run(["node", "-e", CALLER], input=said.encode(), capture_output=True, env=env, timeout=60)
        assert done.returncode == 0, done.stderr.decode()
        gave: list[Any] = json.loads(done.stdout)
        return gave


@pytest.fixture
def served(folder, sqlite_url, sink) -> Iterator[Served]:
    port = free_port()
    with House(folder, sqlite_url, sink, extra=f'[http]\nlisten = ["127.0.0.1:{port}"]\n') as house:
        message: EmailMessage = parsed(mail(CUSTOMER, SUPPORT, "Printer", "It burns."))
        message.add_attachment(PICTURE, maintype="image", subtype="png", filename="a.png")
        with smtplib.SMTP("127.0.0.1", house.port, timeout=60) as smtp:
            smtp.sendmail(CUSTOMER, [SUPPORT], message.as_bytes())
        wait_until(lambda: sink.to(CUSTOMER), what="the acknowledgement")
        made = house.cli("token", "create", "--dialect", "jitbit", "--name", "client", "--person", STAFF)
        (token,) = re.findall(r"^\S{20,}$", made, re.MULTILINE)
        yield Served(f"http://127.0.0.1:{port}/jitbit", token)
        assert "Traceback" not in house.log.read_text()


def test_jitbit_js(request: pytest.FixtureRequest) -> None:
    fetched("jitbit-js")
    served: Served = request.getfixturevalue("served")
    (support,), (printer,), user = served.js(
        ("getCategories", {}), ("getTickets", {"mode": "unclosed"}), ("getUser", {"email": CUSTOMER})
    )
    assert (support["Name"], printer["Subject"], printer["Status"], user["Email"]) == (
        "Support",
        "Printer",
        "New",
        CUSTOMER,
    )
    new = {
        "categoryId": support["CategoryID"],
        "subject": "Lamp & door",
        "body": "Öut",
        "priorityId": 1,
        "userEmail": CUSTOMER,
    }
    shown, number = served.js(
        ("getTicket", {"IssueID": printer["IssueID"]}), ("createTicket", new | {"tags": ["a", "b"]})
    )
    assert shown["Body"].startswith("It burns.")
    change = {"id": number, "statusId": 3, "priority": -1, "dueDate": "2031-04-01"}
    _, closed, picture, listed = served.js(
        ("updateTicket", change),
        ("getTicket", {"id": number}),
        ("getAttachment", {"FileID": shown["Attachments"][0]["FileID"]}),
        ("getTickets", {"categoryId": [support["CategoryID"]], "statusId": [1, 3], "dateFrom": "2020-01-01"}),
    )
    names = ("Subject", "Body", "StatusID", "Priority", "DueDate", "UserID")
    assert [closed[name] for name in names] == ["Lamp & door", "Öut", 3, -1, "2031-04-01T00:00:00Z", user["UserID"]]
    assert [each["Name"] for each in closed["Tags"]] == ["a", "b"]
    assert base64.b64decode(picture) == PICTURE
    assert sorted(each["TicketID"] for each in listed) == sorted([printer["IssueID"], number])
    _, gone = served.js(("deleteTicket", {"id": number}), ("getTicket", {"id": number}))
    assert gone is None


def test_the_vendors_mcp_server(request: pytest.FixtureRequest) -> None:
    """Version 1; version 2 hands everything on to an endpoint that is not ours."""
    package = fetched("jitbit-helpdesk-mcp")
    served: Served = request.getfixturevalue("served")
    env = os.environ | {"JITBIT_URL": served.root, "JITBIT_TOKEN": served.token}
    program = ["node", str(package / "dist" / "index.js")]
    with subprocess.Popen(
        program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env
    ) as mcp:
        try:
            about = {
                "protocolVersion": "2024-11-05",
                "capabilities": {},
                "clientInfo": {"name": "test", "version": "1"},
            }
            assert asked(mcp, "initialize", about)["serverInfo"]
            told(mcp, {"method": "notifications/initialized"})
            assert "Printer" in tool(mcp, "jitbit_search_tickets", query="burns")
            listed = tool(mcp, "jitbit_list_tickets", mode="unanswered", status="New")
            number = int(listed.partition("#")[2].partition(":")[0])
            assert "Category: Support" in listed
            assert "No tickets" in tool(mcp, "jitbit_list_tickets", mode="updated")
            shown = tool(mcp, "jitbit_get_ticket", ticketId=number)
            assert f"Ticket #{number}: Printer" in shown
            assert "It burns." in shown
        finally:
            mcp.kill()


def told(mcp: subprocess.Popen[bytes], message: dict[str, Any]) -> None:
    assert mcp.stdin is not None
    mcp.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
    mcp.stdin.flush()


def asked(mcp: subprocess.Popen[bytes], method: str, params: dict[str, Any]) -> dict[str, Any]:
    assert mcp.stdout is not None
    told(mcp, {"id": 1, "method": method, "params": params})
    answer = json.loads(mcp.stdout.readline())
    result: dict[str, Any] = answer["result"]
    return result


def tool(mcp: subprocess.Popen[bytes], name: str, **given: Any) -> str:
    result = asked(mcp, "tools/call", {"name": name, "arguments": given})
    text: str = result["content"][0]["text"]
    assert not result.get("isError"), text
    return text
