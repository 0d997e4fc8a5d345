"""What goes out, as it arrives at a real relay: headers, texts, files, addresses."""

from __future__ import annotations

from email.utils import parseaddr

import pytest
from structlog.testing import capture_logs

from helpdeskd.desk import people, tickets
from helpdeskd.desk.context import Part, Words
from helpdeskd.model.outgoing import Ended, NoticeName, OutboxState
from helpdeskd.model.ticket import History
from helpdeskd.outgoing.sender import Counts
from tests.unit.outgoing.house import JANE, START, House, a_desk, body, parsed


async def test_an_acknowledgement_as_the_customer_receives_it(house):
    row_id = house.queue()
    with capture_logs() as logs:
        assert await house.sender().once() == Counts(sent=1)
    row = house.row(row_id)
    assert (row.state, row.server_id, row.sent_at) == (OutboxState.SENT, "SINK0001", START)
    assert (row.owner, row.lease_until, row.attempts) == ("", None, 1)
    assert [a.ended for a in house.attempts(row_id)] == [Ended.SENT]

    caught = house.sink.mails[0]
    token = house.desk.tokens.make(house.ticket.id, house.person_id)
    assert (caught.sender, caught.recipients) == ("support@example.org", (JANE,))
    assert house.blobs.get(row.raw_sha256) == caught.data
    mail = parsed(caught)
    assert mail["From"] == "Example Support <support@example.org>"
    assert mail["To"] == f"Jane Doe <{JANE}>"
    assert mail["Reply-To"].addresses[0].addr_spec == f"support+{token}@example.org"
    assert mail["Subject"] == "[#482915] Printer <on> fire & more"
    assert mail["Message-ID"] == "<ours-1@example.org>"
    assert mail["In-Reply-To"] == "<jane-1@example.net>"
    assert mail["References"].split() == ["<root@example.net>", "<jane-1@example.net>"]
    assert mail["Auto-Submitted"] == "auto-replied"
    assert mail["X-Auto-Response-Suppress"] == "All"
    assert mail["X-Helpdeskd-Loop"] == "instance-1"
    assert mail["X-Helpdeskd-Mail"] == row.envelope_token
    assert mail["Date"].datetime == START
    assert "Thank you" in body(caught)
    assert "Thank you" in body(caught, "html")
    assert "It burns" not in body(caught)
    assert token not in body(caught) + body(caught, "html")
    assert house.happened(History.MAIL_FAILED) == []

    told = [line for line in logs if line["event"] == "sent"]
    assert [(t["ticket"], t["message"], t["recipient"]) for t in told] == [(482915, "ours-1@example.org", JANE)]


async def test_a_staff_reply_is_the_persons_own_words(house):
    row = house.answer("Pull the plug.\n\nAda")
    assert await house.sender().once() == Counts(sent=1)
    mail = parsed(house.sink.mails[0])
    assert mail["From"] == "Example Support <support@example.org>"
    assert mail["Auto-Submitted"] is None
    assert mail["X-Auto-Response-Suppress"] is None
    assert mail["X-Helpdeskd-Loop"] == "instance-1"
    assert mail["Message-ID"] == f"<{row.mail_id}>"
    text = body(house.sink.mails[0])
    assert text == f"{house.desk.settings.marker}\n\nPull the plug.\n\nAda\n\n-- \nExample Support"
    assert "ada@example.org" not in house.sink.mails[0].data.decode()


async def test_a_mail_names_nobody_but_its_reader(house):
    """No Cc, no Bcc: each reader gets a mail of their own, and learns nothing of the others."""
    readers = [JANE, "bob@example.net", "eve@example.com"]
    for reader in readers:
        house.queue(recipient=reader)
    assert await house.sender().once() == Counts(sent=3)
    for caught in house.sink.mails:
        (reader,) = caught.recipients
        mail = parsed(caught)
        assert [each.addr_spec for each in mail["To"].addresses] == [reader]
        assert mail["Cc"] is None and mail["Bcc"] is None
        others = set(readers) - {reader, JANE}  # Jane is the requester, whose name the texts may say
        assert not any(other.encode() in caught.data for other in others)


async def test_staff_are_shown_the_message_and_its_files(house):
    sha256 = house.blobs.put(b"\x89PNG picture")

    def attach(conn):
        words = Words(text="See the picture.", parts=(Part("fire.png", "image/png", 12, sha256),))
        jane = people.get(conn, house.person_id)
        return tickets.customer_reply(
            conn, house.desk, house.now, ticket=house.ticket, author=jane, words=words, reopen=False
        ).message_id

    message_id = house.write(attach)
    house.queue(NoticeName.CUSTOMER_REPLIED, "ada@example.org", message_id=message_id)
    assert await house.sender().once() == Counts(sent=1)
    mail = parsed(house.sink.mails[0])
    assert mail["Auto-Submitted"] == "auto-generated"
    assert "See the picture." in body(house.sink.mails[0])
    assert "- fire.png (12 B)" in body(house.sink.mails[0])
    files = list(mail.iter_attachments())
    assert [(f.get_filename(), f.get_content()) for f in files] == [("fire.png", b"\x89PNG picture")]


async def test_files_go_along_as_far_as_they_fit(house):
    house.settings["attachments_mb"] = 1
    big, small, other = (house.blobs.put(bytes([n]) * size) for n, size in ((1, 900_000), (2, 5000), (3, 200_000)))
    parts = (
        Part("big.bin", "application/octet-stream", 900_000, big),
        Part("other.bin", "application/octet-stream", 200_000, other),
        Part("small.bin", "application/octet-stream", 5000, small),
    )
    house.answer("Three files.", parts=parts)
    assert await house.sender().once() == Counts(sent=1)
    names = [f.get_filename() for f in parsed(house.sink.mails[0]).iter_attachments()]
    assert names == ["big.bin", "small.bin"]
    assert "too large to be sent by mail:\n- other.bin (200 KB)\n" in body(house.sink.mails[0])


async def test_the_authors_html_is_sent_only_where_it_says_no_more_than_the_text(house):
    house.answer("Pull the plug.", html="<p>Pull <b>the</b> plug.</p>")
    house.answer("Pull the cord.", html="<p>Pull the cord.</p><blockquote>Internal: she is a nuisance</blockquote>")
    house.answer("Pull it.", html="<p>Pull it.</p>", quote="> something that was cut")
    assert await house.sender().once() == Counts(sent=3)
    html = sorted(body(each, "html") for each in house.sink.mails)
    assert any("<p>Pull <b>the</b> plug.</p>" in each for each in html)
    assert any("Pull the cord." in each and "<p>Pull the cord." not in each for each in html)
    assert any("Pull it." in each and "<p>Pull it." not in each for each in html)
    assert not any("nuisance" in each for each in html)


async def test_a_signature_goes_no_further_than_the_store(house):
    """Of a mail's; what is written elsewhere ends as its author wants it to."""
    raw = house.blobs.put(b"a mail")
    house.answer(
        "Pull the plug.\n\n-- \nAda\nThe Desk", html="<p>Pull the plug.</p><p>--<br>Ada<br>The Desk</p>", raw=raw
    )
    house.answer("Pull the cord.\n\n-- \nAda\nThe Desk")
    assert await house.sender().once() == Counts(sent=2)
    bodies = {body(each).split("\n")[2]: body(each) for each in house.sink.mails}
    assert "The Desk" not in bodies["Pull the plug."]
    assert "Pull the cord.\n\n-- \nAda\nThe Desk" in bodies["Pull the cord."]
    assert not any("The Desk" in body(each, "html") for each in house.sink.mails if "plug" in body(each))


@pytest.mark.parametrize("dash", ["--", "\u2014", "\n__"])
async def test_what_only_looks_like_a_signature_goes_out(house, dash):
    words = f"1. stop it\n{dash}\nThen start it again and call me."
    house.answer(words, raw=house.blobs.put(b"a mail"))
    assert await house.sender().once() == Counts(sent=1)
    assert words in body(house.sink.mails[0])


async def test_an_inline_picture_stays_inline_where_the_html_is_sent(house):
    sha256 = house.blobs.put(b"GIF89a")
    parts = (Part("logo.gif", "image/gif", 6, sha256, content_id="logo@x", inline=True),)
    house.answer("Look:", html='<p>Look:</p><img src="cid:logo@x">', parts=parts)
    house.answer("Look again:", html="", parts=parts)
    assert await house.sender().once() == Counts(sent=2)
    by_text = {body(each).split("\n")[2]: parsed(each) for each in house.sink.mails}
    inline = [part for part in by_text["Look:"].walk() if part["Content-ID"] == "<logo@x>"]
    assert len(inline) == 1
    assert [f.get_filename() for f in by_text["Look again:"].iter_attachments()] == ["logo.gif"]


async def test_no_token_of_ours_leaves_in_any_text(house):
    token = house.desk.tokens.make(house.ticket.id, 99)
    house.answer(
        f"Write to support+{token}@example.org please", html=f"<p>Write to support+{token}@example.org please</p>"
    )
    assert await house.sender().once() == Counts(sent=1)
    caught = house.sink.mails[0]
    assert "Write to support@example.org please" in body(caught)
    assert token not in body(caught) + body(caught, "html")


# Addresses


@pytest.mark.parametrize("token", ["", "k2345672345672345672345672345"])
async def test_where_the_token_travels(house, token):
    """Decided when the mail was put into the outbox: without a token its Message-ID is what ties the answer."""
    house.queue(reply_token=token)
    await house.sender().once()
    address = "support@example.org" if not token else f"support+{token}@example.org"
    assert parseaddr(parsed(house.sink.mails[0])["Reply-To"])[1] == address


async def test_verp_names_this_very_mail(store, blobs, sink):
    house = House(store, blobs, sink, a_desk())
    house.found(verp=True)
    row = house.row(house.queue())
    await house.sender().once()
    assert sink.mails[0].sender == f"support+b-{row.envelope_token}@example.org"
