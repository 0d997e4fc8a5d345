"""How long a mail takes to be read, by size and kind, and what a draft takes to be composed.

    python -m tests.bench.parse [--rounds N]

CPU milliseconds per mail, median over rounds with lowest and highest, all in one process. Beside our whole parse stand
the tree alone, mail-parser, and the standard library with
every payload decoded, over the same mails.
"""

from __future__ import annotations

import argparse
import base64
import email
import email.policy
import random
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage

import mailparser

from helpdeskd.config import Desk, Intake
from helpdeskd.mail import prepare, split
from helpdeskd.mail.compose import compose
from helpdeskd.mail.draft import Draft
from helpdeskd.mail.parse import parse
from helpdeskd.model.mail import Address

WORDS = "printer invoice order network password account server café größe error report update login delivery"
LIMITS = Intake()
MARKER = Desk().marker
HEAD = (
    "Received: from mx.example.org (mx.example.org [192.0.2.1]) by desk.example with ESMTPS id 4A5B6C;\n"
    "\tMon, 02 Feb 2026 10:00:01 +0100 (CET)\n"
    "From: Ann Example <ann@example.org>\nTo: Support <support@desk.example>\nSubject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\n"
    "Date: Mon, 02 Feb 2026 10:00:00 +0100\nMessage-ID: <%d@example.org>\nMIME-Version: 1.0\n"
)


def words(rng: random.Random, size: int) -> str:
    pool = WORDS.split()
    out: list[str] = []
    length = 0
    while length < size:
        line = " ".join(rng.choice(pool) for _ in range(9))
        out.append(line)
        length += len(line) + 1
    return "\n".join(out) + "\n"


def qp(text: str) -> str:
    import quopri

    return quopri.encodestring(text.encode()).decode("ascii")


def plain(rng: random.Random, number: int) -> bytes:
    text = qp(words(rng, 1500))
    return (
        HEAD % number
        + f"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n{text}"
    ).encode()


def alternative(rng: random.Random, number: int, size: int = 2200) -> bytes:
    text = words(rng, size)
    body = "".join(f'<p style="margin:0">{line}</p>\n' for line in text.split("\n"))
    kind = "charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n"
    return (
        HEAD % number
        + f"Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain; {kind}{qp(text)}\n"
        + f"--b\nContent-Type: text/html; {kind}{qp('<html><body>' + body + '</body></html>')}\n--b--\n"
    ).encode()


def html_only(rng: random.Random, number: int) -> bytes:
    body = "".join(f"<p>{line}</p>\n" for line in words(rng, 4000).split("\n"))
    return (
        HEAD % number + f"Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{body}"
    ).encode()


def reply(rng: random.Random, number: int) -> bytes:
    quoted = "".join(f"> {line}\n" for line in words(rng, 3000).split("\n"))
    text = f"Yes.\n\nOn Mon, Feb 2, 2026 at 9:12 AM Support <\nsupport@desk.example> wrote:\n\n{quoted}"
    return (HEAD % number + f"References: <a@x> <b@x>\nContent-Type: text/plain; charset=utf-8\n\n{text}").encode()


def attachment(size: int) -> Callable[[random.Random, int], bytes]:
    def make(rng: random.Random, number: int) -> bytes:
        data = base64.encodebytes(rng.randbytes(size)).decode("ascii")
        return (
            HEAD % number
            + f"Content-Type: multipart/mixed; boundary=m\n\n--m\nContent-Type: text/plain; charset=utf-8\n\n{words(rng, 800)}"
            + "--m\nContent-Type: application/pdf; name=a.pdf\nContent-Transfer-Encoding: base64\n"
            + f"Content-Disposition: attachment; filename=a.pdf\n\n{data}--m--\n"
        ).encode()

    return make


KINDS: dict[str, tuple[Callable[[random.Random, int], bytes], int]] = {
    "plain": (plain, 40),
    "alternative 6 KB": (alternative, 40),
    "alternative 60 KB": (lambda rng, number: alternative(rng, number, 24_000), 10),
    "html only": (html_only, 20),
    "reply with quote": (reply, 40),
    "attachment 100 KB": (attachment(100_000), 10),
    "attachment 5 MB": (attachment(5_000_000), 2),
}


def ours(raw: bytes) -> object:
    return parse(
        raw, sender="ann@example.org", instance="i", own_addresses=lambda _: False, marker=MARKER, limits=LIMITS
    )


def standard(raw: bytes) -> None:
    for part in email.message_from_bytes(raw).walk():
        if not part.is_multipart():
            part.get_payload(decode=True)


def cost(work: Callable[[bytes], object], mails: list[bytes], rounds: int) -> tuple[float, float, float]:
    """CPU milliseconds per mail: median, lowest, highest."""
    taken = []
    for _ in range(rounds):
        start = time.process_time()
        for raw in mails:
            work(raw)
        taken.append((time.process_time() - start) / len(mails) * 1000)
    return statistics.median(taken), min(taken), max(taken)


def shown(found: tuple[float, float, float]) -> str:
    return f"{found[0]:8.2f} ({found[1]:.2f}-{found[2]:.2f})"


def tree(raw: bytes) -> object:
    prepared = prepare.prepare(raw, LIMITS)
    return split.split(prepared.data, prepared.body_at, LIMITS)


def draft(text: str, html: str) -> Draft:
    return Draft(
        from_name="Support",
        from_address="support@desk.example",
        to=(Address("Jürgen Groß", "j@example.org"),),
        subject="[#123456] Grüße",
        mail_id="abc@desk.example",
        date=datetime(2026, 2, 2, tzinfo=UTC),
        text=text,
        html=html,
        instance="i",
        references=("a@x", "b@x"),
    )


def by_email_message(one: Draft) -> bytes:
    mail = EmailMessage(policy=email.policy.SMTP)
    mail["From"] = f'"{one.from_name}" <{one.from_address}>'
    mail["To"] = f'"{one.to[0].name}" <{one.to[0].email}>'
    mail["Subject"] = one.subject
    mail["Message-ID"] = f"<{one.mail_id}>"
    mail.set_content(one.text)
    mail.add_alternative(one.html, subtype="html")
    return mail.as_bytes()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    rng = random.Random(1)
    print(
        f"{'CPU ms a mail':22}{'KB':>7}  {'parse':>20}  {'tree alone':>20}  {'mail-parser, all':>20}  {'stdlib, payloads':>20}"
    )
    for name, (make, count) in KINDS.items():
        mails = [make(rng, number) for number in range(count)]
        columns = [cost(work, mails, rounds) for work in (ours, tree, mailparser.parse_from_bytes, standard)]
        size = statistics.mean(len(raw) for raw in mails) / 1024
        print(f"{name:22}{size:7.0f}  " + "  ".join(f"{shown(one):>20}" for one in columns))
    text = words(rng, 1500)
    one = draft(text, "".join(f"<p>{line}</p>\n" for line in text.split("\n")))
    ours_cost = cost(lambda _: compose(one), [b""] * 50, rounds)
    theirs = cost(lambda _: by_email_message(one), [b""] * 50, rounds)
    print(f"\ncompose text and HTML: {shown(ours_cost)} ms; EmailMessage: {shown(theirs)} ms")


if __name__ == "__main__":
    main()
