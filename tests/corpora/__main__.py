"""python -m tests.corpora [MEASURE ...]: print the measures, and every file that is not as expected."""

from __future__ import annotations

import importlib
import sys

from tests.corpora import MAILS

# Each module has `main() -> None`, which prints.
MEASURES = {
    "structure": "tests.corpora.structure",
    "mutations": "tests.corpora.mutations",
    "bounces": "tests.corpora.bounces",
    "kinds": "tests.corpora.kinds",
    "quotes": "tests.corpora.quotes",
}


def main() -> int:
    wanted = sys.argv[1:] or list(MEASURES)
    if unknown := [name for name in wanted if name not in MEASURES]:
        print(f"no such measure: {', '.join(unknown)}; there are: {', '.join(MEASURES)}", file=sys.stderr)
        return 2
    if not MAILS.is_dir():
        print(f"no corpora at {MAILS}", file=sys.stderr)
        return 2
    for name in wanted:
        importlib.import_module(MEASURES[name]).main()
    return 0


if __name__ == "__main__":
    sys.exit(main())
