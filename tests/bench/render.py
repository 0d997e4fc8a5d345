"""CPU of one outgoing mail: rendered, and composed into bytes. `python -m tests.bench.render [rounds]`

Prints milliseconds of CPU for each notice and language: the median of several runs, and their spread.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from helpdeskd import resources
from helpdeskd.mail.compose import compose
from helpdeskd.mail.draft import AutoSubmitted, Draft
from helpdeskd.mail.tokens import TokenKeys
from helpdeskd.model.mail import Address
from helpdeskd.model.outgoing import NoticeName
from helpdeskd.outgoing.render import Renderer
from tests.unit.outgoing.examples import EXAMPLES

RUNS = 7


def measured(act: Callable[[], object], rounds: int) -> list[float]:
    """CPU milliseconds for one `act`, once for each run."""
    act()
    out = []
    for _ in range(RUNS):
        start = time.process_time()
        for _ in range(rounds):
            act()
        out.append((time.process_time() - start) * 1000 / rounds)
    return out


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    renderer = Renderer(resources.find("templates"), None, "en")
    tokens = TokenKeys((b"k" * 32,))
    when = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)

    def mail(notice: NoticeName, language: str) -> bytes:
        rendered = renderer.render(notice, language, EXAMPLES[notice])
        return compose(
            Draft(
                from_name="Example Support",
                from_address="support@example.org",
                to=(Address("Jane Doe", "jane@example.net"),),
                subject=tokens.scrub(rendered.subject),
                mail_id="one@example.org",
                date=when,
                text=tokens.scrub(rendered.text),
                html=tokens.scrub(rendered.html),
                instance="instance-1",
                references=("root@example.net", "parent@example.net"),
                auto_submitted=AutoSubmitted.REPLIED,
            )
        )

    print(f"{'notice':20} {'language':8} {'render':>8} {'+compose':>9}  spread (ms of CPU, {RUNS} runs of {rounds})")
    everything: list[float] = []
    for language in ("en", "de"):
        for notice in NoticeName:
            alone = measured(partial(renderer.render, notice, language, EXAMPLES[notice]), rounds)
            whole = measured(partial(mail, notice, language), rounds)
            everything.append(statistics.median(whole))
            print(
                f"{notice.value:20} {language:8} {statistics.median(alone):8.3f} {statistics.median(whole):9.3f}"
                f"  {min(whole):.3f}-{max(whole):.3f}"
            )
    print(f"dearest {max(everything):.3f} ms, mean {statistics.mean(everything):.3f} ms")


if __name__ == "__main__":
    main()
