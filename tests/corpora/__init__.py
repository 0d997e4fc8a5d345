"""How well mail is read, measured on public corpora: `python -m tests.corpora MEASURE`. They lie beside the checkout, if they are there."""

from __future__ import annotations

from pathlib import Path

MAILS = Path(__file__).parents[3] / "shared" / "mails"
