"""Mails in an object store, from the door to the other machine: intake, backup, restore, audit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from helpdeskd.audit.differences import Kind, Report
from helpdeskd.audit.run import audit
from helpdeskd.cli.mail_again import raw_of
from helpdeskd.daemon import StoreLedger
from helpdeskd.monitoring import records_of
from tests.s3 import S3
from tests.unit.backup.conftest import Place, letter


def _audited(place: Place) -> Report:
    with place.opened() as made:
        return audit(records_of(made, StoreLedger(made.store)), deep=True)


def _in(place: Place, s3: S3) -> Place:
    return replace(place, config=msgspec.structs.replace(place.config, blobs=s3.settings))


def test_from_the_door_to_the_other_machine(sqlite_here: Place, sqlite_there: Place, tmp_path: Path) -> None:
    pytest.importorskip("obstore")
    with S3(tmp_path) as s3:
        here, there = _in(sqlite_here, s3), _in(sqlite_there, s3)
        raw = letter("Printer")
        spool_id = here.mail(raw)
        here.intake()
        assert s3.objects

        made = here.backup()
        assert made.manifest.blobs.startswith("s3://")
        assert not (made.folder / "blobs").exists()
        there.restore()
        with there.opened() as restored:
            assert raw_of(restored, spool_id) == raw
        s3.objects.clear()  # and an audit sees it: all that is named is missing, and nothing else is wrong
        found = _audited(there)
        assert {each.kind for each in found.differences} == {Kind.BLOB_MISSING}
