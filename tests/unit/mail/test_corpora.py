"""Public corpora beside the checkout, if they are there: no mail of any of them may stop the parser."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.mail.test_fixtures import read

CORPORA = Path(__file__).parents[4] / "shared" / "mails"


@pytest.mark.skipif(not CORPORA.is_dir(), reason="no corpora beside the checkout")
def test_every_file_of_every_corpus_is_read():
    files = [path for path in sorted(CORPORA.rglob("*")) if path.is_file()]
    assert files
    for path in files:
        raw = path.read_bytes()
        mail = read(raw)
        assert mail.size == len(raw)
        for value in (
            mail.text,
            mail.quote,
            mail.html,
            mail.subject,
            *mail.loose_ends,
            *(part.name for part in mail.parts),
        ):
            value.encode("utf-8")
            assert "\0" not in value, path
        assert "\n" not in mail.subject
        for one in (mail.author, *mail.to, *mail.cc, *mail.reply_to):
            assert one is None or ("@" in one.email and one.email.isprintable() and "\n" not in one.name), path
