"""python -m tests.corpora [--write] [MEASURE ...]: print the measures, and every file that is not as expected.

`--write` puts what they say into docs/mail-accuracy.md as well.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import sys
from pathlib import Path

from tests.corpora import MAILS

DOCUMENT = Path(__file__).parents[2] / "docs" / "mail-accuracy.md"
HEAD = """# How well mail is read

Measured on public corpora of mails and what their projects expect of them (the half that lies beside the checkout), by
`make corpora`, which writes this page. Every file that is not as expected is named; where we hold that the expectation is at fault, with the
reason, and such files are not among the figures. How mail is read is told in [mail.md](mail.md).
"""

# Each module has `main() -> None`, which prints.
MEASURES = {
    "structure": "tests.corpora.structure",
    "mutations": "tests.corpora.mutations",
    "bounces": "tests.corpora.bounces",
    "kinds": "tests.corpora.kinds",
    "quotes": "tests.corpora.quotes",
}


def main() -> int:
    wanted = [word for word in sys.argv[1:] if word != "--write"] or list(MEASURES)
    if unknown := [name for name in wanted if name not in MEASURES]:
        print(f"no such measure: {', '.join(unknown)}; there are: {', '.join(MEASURES)}", file=sys.stderr)
        return 2
    if not MAILS.is_dir():
        print(f"no corpora at {MAILS}", file=sys.stderr)
        return 2
    page = HEAD
    for name in wanted:
        with contextlib.redirect_stdout(io.StringIO()) as said:
            importlib.import_module(MEASURES[name]).main()
        print(said.getvalue(), flush=True)
        page += f"\n## {name.capitalize()}\n\n    " + said.getvalue().strip().replace("\n", "\n    ") + "\n"
    if "--write" in sys.argv:
        DOCUMENT.write_text(page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
