"""Staff pass on what a customer wrote to them: over SMTP, with DKIM verified by DNS, and the customer's answer afterwards."""

from __future__ import annotations

import email.message
import email.policy
import smtplib
from datetime import UTC, datetime

import pytest

from helpdeskd.mail.sign import sign
from tests.dkim import key
from tests.live.house import CUSTOMER, STAFF, SUPPORT, House, mail, parsed, reply_address, text_of
from tests.live.machine import wait_until
from tests.nameserver import Zone, serving, text

pytestmark = pytest.mark.live

KEY, HERS = key("staff.example"), key("customer.example")
ZONE: Zone = {
    (KEY.place, "TXT"): (text(KEY.record),),
    (HERS.place, "TXT"): (text(HERS.record),),
    ("_dmarc.staff.example", "TXT"): (text("v=DMARC1; p=none"),),
}
COMMENT = "He pays well, be nice to him."


def original(mail_id: str, words: str) -> email.message.EmailMessage:
    made = parsed(mail(CUSTOMER, STAFF, "The printer is on fire", words))
    del made["Message-ID"]
    made["Message-ID"] = mail_id
    return made


def in_the_text() -> bytes:
    block = (
        f"---------- Forwarded message ---------\nVon: Grace <{CUSTOMER}>\nDate: {datetime.now(UTC):%a, %b %d, %Y at %H:%M}\n"
        f"Subject: The printer is on fire\nTo: Ada <{STAFF}>\n\n\nWhat now?\n"
    )
    return mail(STAFF, SUPPORT, "Fwd: The printer is on fire", f"{COMMENT}\n\n{block}")


def attached() -> bytes:
    made = parsed(mail(STAFF, SUPPORT, "WG: The printer is on fire", f"{COMMENT}\n"))
    made.add_attachment(original("<grace-1@customer.example>", "What now?\n"))
    return made.as_bytes(policy=email.policy.SMTP)


def send(house: House, sender: str, recipient: str, raw: bytes) -> None:
    with smtplib.SMTP("127.0.0.1", house.port, timeout=60) as client:
        client.sendmail(sender, [recipient], raw)


def trusting(server: str) -> str:
    return f'[trust]\ndns = true\nrelays = []\n[dns]\nservers = ["{server}"]\n'


def messages(house: House, number: int) -> list[tuple[str, str, str]]:
    shown = house.json("ticket", "show", str(number))
    return [
        (one["message"]["visibility"], one["message"]["author_email"], one["message"]["text"].strip().splitlines()[0])
        for one in shown["messages"]
    ]


def only_ticket(house: House) -> int:
    house.quiet()
    (line,) = house.json("ticket", "list", "--all")
    return int(line["ticket"]["number"])


@pytest.mark.parametrize("forward", [in_the_text, attached])
def test_the_customer_gets_their_ticket(folder, sqlite_url, sink, forward):
    with serving(ZONE) as server, House(folder, sqlite_url, sink, extra=trusting(server)) as house:
        send(house, STAFF, SUPPORT, sign(forward(), [KEY], datetime.now(UTC)))
        wait_until(lambda: sink.to(CUSTOMER), what="the acknowledgement")
        number = only_ticket(house)
        assert messages(house, number) == [
            ("public", CUSTOMER, "What now?"),
            ("internal", STAFF, COMMENT),
        ]
        shown = house.json("ticket", "show", str(number))
        assert shown["requester"]["email"] == CUSTOMER
        acknowledgement = parsed(sink.to(CUSTOMER)[0].data)
        assert COMMENT.encode() not in sink.to(CUSTOMER)[0].data
        notice = next(one for one in map(parsed, (each.data for each in sink.to(STAFF))) if "New:" in one["Subject"])
        assert "What now?" in text_of(notice)
        assert COMMENT in text_of(notice)
        # the customer answers the acknowledgement, and once more in the thread in which they wrote to Ada
        send(house, CUSTOMER, reply_address(acknowledgement), mail(CUSTOMER, SUPPORT, "Re: fire", "It burns still."))
        if forward is attached:
            assert acknowledgement["In-Reply-To"] == "<grace-1@customer.example>"
            answer = mail(CUSTOMER, SUPPORT, "More", "And smokes.", References="<grace-1@customer.example>")
            send(house, CUSTOMER, SUPPORT, sign(answer, [HERS], datetime.now(UTC)))
        wait_until(lambda: len(messages(house, number)) == (4 if forward is attached else 3), what="the answers")
        assert [one[::2] for one in messages(house, number)[2:]] == [
            ("public", "It burns still."),
            ("public", "And smokes."),
        ][: 2 if forward is attached else 1]
        only_ticket(house)


def test_who_only_says_that_they_are_ada_gets_a_ticket_of_their_own(folder, sqlite_url, sink):
    """No signature, and one that was made for other words."""
    with serving(ZONE) as server, House(folder, sqlite_url, sink, extra=trusting(server)) as house:
        signed = sign(in_the_text(), [KEY], datetime.now(UTC))
        send(house, STAFF, SUPPORT, attached())
        send(house, STAFF, SUPPORT, signed.replace(b"What now?", b"Pay me!!!"))
        house.quiet()
        lines = house.json("ticket", "list", "--all")
        assert len(lines) == 2
        for line in lines:
            shown = house.json("ticket", "show", str(line["ticket"]["number"]))
            assert shown["requester"]["email"] == STAFF
            assert len(shown["messages"]) == 1
        assert not sink.to(CUSTOMER)
