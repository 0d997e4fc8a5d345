"""How well mail is read, measured on public corpora: `python -m tests.corpora MEASURE`. They lie beside the checkout, if they are there."""

from __future__ import annotations

from pathlib import Path

# The nearest shared/mails beside the checkout or above it.
MAILS = next(
    (found for above in Path(__file__).resolve().parents[2:] if (found := above / "shared" / "mails").is_dir()),
    Path(__file__).resolve().parents[3] / "shared" / "mails",
)
