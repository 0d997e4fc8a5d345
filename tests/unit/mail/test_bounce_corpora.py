"""The measures of tests/corpora/bounces.py, where the corpora are there: none may fall below what is promised."""

from __future__ import annotations

import pytest

from tests.corpora import MAILS, bounces


@pytest.mark.skipif(not MAILS.is_dir(), reason="no corpora beside the checkout")
@pytest.mark.parametrize("measures", [bounces.sisimai, bounces.flufl], ids=lambda each: each.__name__)
def test_bounces_are_read_as_well_as_promised(measures):
    for measure in measures(""):
        assert measure.of
        assert 100 * measure.right / measure.of >= measure.target, "\n".join([str(measure), *measure.wrong])
