"""Blobs in an object store: what is deleted and what is put never meet, trouble is temporary and short, and no secret is said.

What holds for every kind of blobs is in test_blobs.py.
"""

from __future__ import annotations

import hashlib
import textwrap
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import obstore
import pytest

from helpdeskd.errors import ConfigError, NotFound, StoreDown
from helpdeskd.store.blobs import FolderBlobs
from helpdeskd.store.bucket import PAUSE, BucketBlobs
from tests import s3 as double
from tests.s3 import KEY, S3, SECRET

ROOT = Path(__file__).resolve().parents[3]
NOBODY: Callable[[str], bool] = lambda _: False  # noqa: E731
DATA = b"logo"
SHA256 = hashlib.sha256(DATA).hexdigest()
STEM = f"{SHA256[:2]}/{SHA256}"
THEN = datetime(2026, 11, 25, 16, 40, tzinfo=UTC)


@pytest.fixture
def s3(tmp_path: Path) -> Iterator[S3]:
    with S3(tmp_path) as running:
        yield running


def at(s3: S3, when: datetime) -> BucketBlobs:
    return s3.blobs(lambda: when)


def test_a_blob_has_a_key_for_each_hour_in_which_it_was_put(s3: S3) -> None:
    for minutes in (0, 10, 30, 31):
        at(s3, THEN + timedelta(minutes=minutes)).put(DATA)
    assert s3.keys() == [f"{STEM}/20261125T16", f"{STEM}/20261125T17"]


def test_a_put_is_one_request_whatever_its_size(s3: S3) -> None:
    data = bytes(12 << 20)
    s3.blobs().put(data)
    assert [line.split()[0] for line in s3.requests] == ["PUT"]
    assert s3.blobs().get(hashlib.sha256(data).hexdigest()) == data


def test_a_put_in_the_middle_of_a_deletion_is_kept(s3: S3) -> None:
    blobs = s3.blobs()
    blobs.put(DATA)
    s3.age(SHA256, datetime.now(UTC) - timedelta(days=30))
    s3.before("DELETE", lambda: blobs.put(DATA))
    blobs.sweep(NOBODY, datetime.now(UTC))
    assert blobs.get(SHA256) == DATA


def test_a_deletion_that_comes_twice_takes_nothing_that_was_put_between(s3: S3) -> None:
    blobs = s3.blobs()
    blobs.put(DATA)
    s3.age(SHA256, datetime.now(UTC) - timedelta(days=30))
    (key,) = s3.keys()
    assert blobs.sweep(NOBODY, datetime.now(UTC)) == 1
    blobs.put(DATA)
    obstore.delete(blobs._store, key)
    assert blobs.get(SHA256) == DATA


def test_of_a_blob_that_is_needed_the_newest_copy_is_kept(s3: S3) -> None:
    for days in (9, 8, 7):
        s3.blobs().put(DATA)
        s3.age(SHA256, THEN - timedelta(days=days))
    assert s3.blobs().sweep(lambda _: True, THEN) == 0
    assert s3.keys() == [f"{STEM}/20261118T16"]
    assert s3.blobs().sweep(lambda _: True, THEN) == 0
    assert s3.blobs().get(SHA256) == DATA


def test_a_copy_that_a_newer_one_replaces_goes_without_a_question(s3: S3) -> None:
    s3.blobs().put(DATA)
    s3.age(SHA256, datetime.now(UTC) - timedelta(days=9))
    s3.blobs().put(DATA)

    def referenced(sha256: str) -> bool:
        raise AssertionError(sha256)

    assert s3.blobs().sweep(referenced, datetime.now(UTC)) == 0
    assert len(s3.keys()) == 1
    assert s3.blobs().get(SHA256) == DATA


def test_two_sweeps_at_once_delete_the_same(s3: S3) -> None:
    for days in (9, 8):
        s3.blobs().put(DATA)
        s3.age(SHA256, THEN - timedelta(days=days))
    s3.before("DELETE", lambda: s3.blobs().sweep(lambda _: True, THEN))
    s3.blobs().sweep(lambda _: True, THEN)
    assert s3.blobs().get(SHA256) == DATA


@pytest.mark.parametrize(
    ("put_at", "modified", "gone"),
    [
        (timedelta(days=-3), timedelta(days=-3), True),
        (timedelta(days=-3), timedelta(0), False),  # put just now by a node whose clock is three days late
        (timedelta(days=3), timedelta(days=-3), False),  # by one whose clock is early
        (timedelta(hours=-25), timedelta(hours=-25), True),
        (timedelta(hours=-24), timedelta(hours=-24), False),  # its hour is not over since a day
    ],
)
def test_old_is_what_both_clocks_call_old(s3: S3, put_at: timedelta, modified: timedelta, gone: bool) -> None:
    now = THEN + timedelta(minutes=1)
    at(s3, THEN + put_at).put(DATA)
    ((key, (data, _)),) = s3.objects.items()
    s3.objects[key] = (data, THEN + modified)
    assert s3.blobs().sweep(NOBODY, now) == gone
    assert s3.blobs().exists(SHA256) is not gone


def test_a_reader_whose_copy_is_swept_takes_the_newer_one(s3: S3) -> None:
    blobs = s3.blobs()
    blobs.put(DATA)
    s3.age(SHA256, THEN - timedelta(days=9))

    def meanwhile() -> None:
        blobs.put(DATA)
        blobs.sweep(NOBODY, datetime.now(UTC))

    s3.before("GET", lambda: s3.before("GET", meanwhile))  # after the listing, before the reading
    assert blobs.get(SHA256) == DATA


def test_one_that_is_gone_before_it_is_read_is_not_found(s3: S3) -> None:
    s3.blobs().put(DATA)
    s3.before("GET", lambda: s3.before("GET", s3.objects.clear))
    with pytest.raises(NotFound):
        s3.blobs().get(SHA256)


def test_what_is_not_ours_is_left_alone(s3: S3) -> None:
    foreign = {
        f"help/desk/{STEM}": (b"", THEN - timedelta(days=900)),
        f"help/desk/{STEM}/notes": (b"", THEN - timedelta(days=900)),
        f"help/desktop/{STEM}/20200101T00": (b"", THEN - timedelta(days=900)),
        f"{STEM}/20200101T00": (b"", THEN - timedelta(days=900)),
        f"help/desk/{SHA256}/20200101T00": (b"", THEN - timedelta(days=900)),
        f"help/desk/00/{SHA256}/20200101T00": (b"", THEN - timedelta(days=900)),
    }
    s3.objects.update(foreign)
    assert list(s3.blobs().names()) == []
    assert not s3.blobs().exists(SHA256)
    assert s3.blobs().sweep(NOBODY, THEN) == 0
    assert s3.objects == foreign


def test_long_listings_come_in_pages(s3: S3) -> None:
    s3.page = 3
    put = {s3.blobs().put(str(n).encode()) for n in range(10)}
    assert set(s3.blobs().names()) == put
    assert s3.blobs().sweep(NOBODY, datetime.now(UTC) + timedelta(days=2)) == 10
    assert s3.objects == {}


SAYINGS = [
    ("503 SlowDown", "SlowDown: as scripted"),
    ("500 InternalError", "InternalError: as scripted"),
    ("403 AccessDenied", "AccessDenied: as scripted"),
    ("404 NoSuchBucket", "NoSuchBucket: as scripted"),
    (double.DROP, ""),
    (double.SILENCE, "no answer in time"),
]


@pytest.mark.parametrize(("say", "words"), SAYINGS)
def test_trouble_is_temporary_and_said_in_one_line(s3: S3, say: str, words: str) -> None:
    s3.blobs().put(DATA)
    s3.say = say
    acts: list[Callable[[BucketBlobs], object]] = [
        lambda blobs: blobs.put(b"x"),
        lambda blobs: blobs.get(SHA256),
        lambda blobs: blobs.exists(SHA256),
        lambda blobs: list(blobs.names()),
        lambda blobs: blobs.sweep(NOBODY, THEN),
    ]
    for act in acts:
        with pytest.raises(StoreDown) as caught:
            act(s3.blobs(request=timedelta(seconds=0.3 if say == double.SILENCE else 60)))
        said = str(caught.value)
        assert said.startswith("s3://desk/help/desk: ")
        assert words in said
        assert "\n" not in said
        assert not {KEY, SECRET} & set(said.replace(",", " ").split())
        assert caught.value.__cause__ is None
    s3.say = ""
    assert s3.blobs().get(SHA256) == DATA


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    with S3(tmp_path) as s3:
        blobs = s3.blobs()
    with pytest.raises(StoreDown, match="Connection refused"):
        blobs.put(DATA)


def test_those_behind_it_need_not_wait_for_the_same_time_out(s3: S3) -> None:
    clock = [0.0]
    blobs = s3.blobs(monotonic=lambda: clock[0])
    s3.say = "403 AccessDenied"  # is not tried again, so that requests can be counted
    for _ in range(3):
        with pytest.raises(StoreDown, match="AccessDenied"):
            blobs.put(DATA)
    assert len(s3.requests) == 1
    clock[0] = PAUSE
    with pytest.raises(StoreDown, match="AccessDenied"):
        blobs.put(DATA)
    assert len(s3.requests) == 2
    s3.say, clock[0] = "", 2 * PAUSE
    assert blobs.get(blobs.put(DATA)) == DATA


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"url": "s3://another/help"}, "cannot write in s3://another/help: NoSuchBucket: "),
        ({"access_key_id": "AKOTHER"}, "InvalidAccessKeyId: "),
        ({"region": "us-east-1"}, "the region is wrong"),
        ({"secret_file": Path(__file__)}, "SignatureDoesNotMatch: "),
    ],
)
def test_settings_that_can_keep_no_blob_are_found_at_the_check(s3: S3, change: dict[str, object], words: str) -> None:
    blobs = BucketBlobs(msgspec.structs.replace(s3.settings, **change), lambda: THEN)
    with pytest.raises(ConfigError) as caught:
        blobs.check()
    assert words in caught.value.problems[0]
    assert caught.value.problems[0].startswith("blobs: ")


def test_a_panic_in_the_library_is_an_error_like_another(s3: S3) -> None:
    settings = msgspec.structs.replace(s3.settings, endpoint="http://127.0.0.1:99999")  # a port that no check let pass
    with pytest.raises(ConfigError, match=r"cannot write in s3://desk/help/desk: obstore panicked: .*InvalidPort"):
        BucketBlobs(settings, lambda: THEN).check()
    with pytest.raises(StoreDown, match="obstore panicked"):
        BucketBlobs(settings, lambda: THEN).put(DATA)


def test_an_environment_that_makes_no_sense(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SKIP_SIGNATURE", "perhaps")
    with pytest.raises(ConfigError, match=r'"perhaps".*AWS_\* in the environment'):
        s3.blobs()


def test_a_right_that_is_missing_is_named(s3: S3) -> None:
    def deny() -> None:
        s3.say = "403 AccessDenied"

    s3.before("DELETE", deny)
    with pytest.raises(ConfigError, match="cannot delete in s3://desk/help/desk: AccessDenied"):
        s3.blobs().check()


def test_a_store_that_is_down_is_no_matter_of_settings(s3: S3) -> None:
    for say in ("503 SlowDown", "429 TooManyRequests", double.SILENCE):
        s3.say = say
        with pytest.raises(StoreDown):
            s3.blobs(request=timedelta(seconds=0.3)).check()


def test_the_check_leaves_nothing(s3: S3) -> None:
    s3.blobs().check()
    assert s3.objects == {}


def test_credentials_from_the_environment(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    settings = msgspec.structs.replace(s3.settings, access_key_id="", secret_file=None)
    BucketBlobs(settings, lambda: THEN).check()
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    with pytest.raises(ConfigError, match="SignatureDoesNotMatch"):
        BucketBlobs(settings, lambda: THEN).check()
    BucketBlobs(s3.settings, lambda: THEN).check()  # settings win


@pytest.mark.parametrize(("content", "words"), [(None, "No such file"), (b"\xff\xfe", "expected UTF-8 text")])
def test_a_secret_that_cannot_be_read(s3: S3, tmp_path: Path, content: bytes | None, words: str) -> None:
    file = tmp_path / "other"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match=words):
        BucketBlobs(msgspec.structs.replace(s3.settings, secret_file=file), lambda: THEN)


def test_blobs_of_a_folder_are_moved_as_the_manual_says(
    s3: S3, blobs: FolderBlobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = (ROOT / "docs" / "scale.md").read_text().split("<<'END'\n", 1)[1].split("    END\n", 1)[0]
    put = {blobs.put(str(n).encode()) for n in range(20)}
    monkeypatch.setenv("HELPDESKD_PATHS__BLOBS", str(tmp_path / "blobs"))
    for name in ("url", "endpoint", "region", "access_key_id", "secret_file"):
        monkeypatch.setenv(f"HELPDESKD_BLOBS__{name.upper()}", str(getattr(s3.settings, name)))
    for _ in range(2):
        exec(compile(textwrap.dedent(script), "docs/scale.md", "exec"), {})  # a script of our own manual
    assert set(s3.blobs().names()) == put == set(blobs.names())
    assert len([line for line in s3.requests if line.startswith("PUT") and "check" not in line]) == len(put)
