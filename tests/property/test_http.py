"""Laws of the HTTP layer's reading: whatever comes, it is read or refused by a named error, and never differently in other pieces."""

from __future__ import annotations

import asyncio
import gc
import itertools
import tempfile
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from helpdeskd import config
from helpdeskd.http import body
from helpdeskd.http.app import _bare, _below
from helpdeskd.http.dialect import Call, Malformed, NoRoute, Route
from helpdeskd.http.given import Given, Values, members, pairs
from helpdeskd.http.here import Here
from helpdeskd.http.match import Table
from helpdeskd.http.params import Invalid, read
from tests.unit.http.plain import READING, Everything

ordinary = settings(max_examples=150, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
HERE = cast("Here", SimpleNamespace(settings=config.Http(max_body_mb=1, max_parts=20, max_field_kb=1)))
NAMES = ["name", "title", "kind", "owner", "if_b", "ids", "loud", "due", "page", "the-key", "key"]
VALUES = st.one_of(
    st.text(max_size=20),
    st.sampled_from(["", "a", "b", "0", "1", "-1", "true", "null", "NaN", "1e999", "9" * 20, "9" * 5000, "0001-01-01", "9999-12-31T23:59:59-14:00", "\x00", "٣"]),
)  # fmt: skip
PAIRS = st.lists(st.tuples(st.sampled_from(NAMES) | st.text(max_size=5), VALUES), max_size=8)


@ordinary
@given(path=st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=2), query=PAIRS, form=PAIRS, known=st.booleans())
def test_parameters_are_read_or_every_problem_is_told(path, query, form, known):
    try:
        found = read(Everything, Given(path, Values(query), Values(form)), READING, lambda _ask: known)
    except Invalid as error:
        names = [each.name for each in error.problems]
        assert names
        assert len(names) == len(set(names))
        assert all(each.words or each.expected for each in error.problems)
    else:
        assert found.name.strip()
        assert found.kind in {"a", "b"}
        assert all(-(2**63) <= number < 2**63 for number in (found.owner, found.page, *found.ids))


@ordinary
@given(text=st.text(max_size=200) | st.text("a=&%+0Ff;", max_size=60))
@example(text="%")
@example(text="%ff=%ed%a0%80&a")
def test_pairs_of_anything(text):
    found = pairs(text)
    assert len(found) <= text.count("&") + 1
    if text.isascii():
        assert all(name.isprintable() or "%" in text or not text.isprintable() for name, _ in found)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


@ordinary
@given(value=JSON)
def test_members_of_any_json_are_texts(value):
    data = msgspec.json.encode(value)
    try:
        found = members(data)
    except ValueError:
        assert not isinstance(value, dict) or b"e" in data or len(data) > 19  # a number may be too large to read back
    else:
        assert isinstance(value, dict)
        assert all(isinstance(each, str) for pair in found for each in pair)
        assert {name for name, _ in found} <= set(value)


@ordinary
@given(data=st.binary(max_size=100) | st.text('{}[]",:\\ud8001e9-', max_size=40).map(str.encode))
@example(data=b"[" * 100_000)
@example(data=b'{"a":' * 100_000)
@example(data=b'{"\\ud800":"\\udfff"}')
def test_members_of_anything(data):
    try:
        members(data)
    except ValueError:
        return


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:end] for start, end in itertools.pairwise(places)] or [b""]


def received(pieces: list[bytes]) -> Callable[[], Any]:
    events = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    events.append({"type": "http.request", "body": b"", "more_body": False})

    async def receive() -> Any:
        return events.pop(0)

    return receive


@pytest.fixture(scope="module")
def runner():
    """One loop for all examples."""
    with asyncio.Runner() as one:
        yield one


def outcome(runner: asyncio.Runner, kind: str, pieces: list[bytes]) -> tuple[Any, ...]:
    async def reading() -> body.Body:
        return await body.read(received(pieces), {"content-type": kind}, HERE, files=True)

    try:
        sent = runner.run(reading())
        try:
            files = [(file.part, file.name, file.content_type, file.size) for file in sent.files]
            return sent.fields(HERE), files
        finally:
            sent.close()
    except Malformed as error:
        return (error.status,)


PART = st.one_of(
    st.binary(max_size=30),
    st.builds(
        lambda name, file, value: (
            f'Content-Disposition: form-data; name="{name}"'.encode() + (b'; filename="f"' if file else b"") + b"\r\n\r\n" + value
        ),
        st.text('ab"\\;= %é', max_size=4),
        st.booleans(),
        st.binary(max_size=2000) | st.sampled_from([b"--b", b"\r\n--b", b"\r\n--", b"x" * 1100]),
    ),
)  # fmt: skip
FORM = st.builds(
    lambda parts, end: b"".join(b"--b\r\n" + part + b"\r\n" for part in parts) + end,
    st.lists(PART, max_size=25),
    st.sampled_from([b"--b--\r\n", b"--b--", b"--b", b"", b"--b--\r\nepilogue"]),
)


@settings(ordinary, max_examples=80)
@given(data=st.binary(max_size=200) | FORM, cuts=st.lists(st.integers(0, 5000), max_size=6))
@pytest.mark.parametrize(
    "kind", ["multipart/form-data; boundary=b", "application/x-www-form-urlencoded", "application/json", ""]
)
def test_a_body_is_read_or_refused_and_in_pieces_as_in_one(runner, kind, data, cuts):
    whole = outcome(runner, kind, [data])
    assert outcome(runner, kind, split(data, cuts)) == whole
    assert isinstance(whole[0], list) or whole[0] in {400, 413}


SEGMENT = st.sampled_from(["a", "b", "A", "{x}", "{y}", "new"])
ROUTES = st.lists(st.tuples(st.sampled_from(["GET", "POST", "GET POST"]), st.lists(SEGMENT, max_size=4)), max_size=8)


def view(_call: Call) -> None:
    return None


@ordinary
@given(
    rows=ROUTES,
    path=st.text(max_size=20)
    | st.lists(st.sampled_from(["a", "b", "A", "new", "", "..", "\x00"]), max_size=6).map("/".join),
    method=st.sampled_from(["GET", "HEAD", "POST", "PUT", "BREW"]),
    fold=st.booleans(),
)
@example(rows=[("GET", ["{x}", "{y}"])], path="/".join("a" * 20_000), method="GET", fold=False)
def test_a_path_finds_a_row_that_says_so_or_none(rows, path, method, fold):
    routes = [
        Route(
            methods,
            "/" + "/".join(parts),
            view,
        )
        for methods, parts in rows
        if len(names := [part for part in parts if part.startswith("{")]) == len(set(names))
    ]
    try:
        table = Table(routes, fold=fold)
    except ValueError:
        return  # two rows want the same
    try:
        found, texts = table.find(method, path)
    except NoRoute as error:
        assert ("GET" if method == "HEAD" else method) not in error.allowed
        return
    assert found in routes
    wanted = [part for part in found.paths.split("/") if part]
    given_ = [part for part in path.split("/") if part]
    for n, part in enumerate(wanted):
        literal = not part.startswith("{")
        assert texts.get(part.strip("{}"), part) == given_[n] or (
            literal and fold and part.lower() == given_[n].lower()
        )
    assert len(wanted) == len(given_)


@ordinary
@given(host=st.text(max_size=30), path=st.text(max_size=30))
def test_any_host_and_path(host, path):
    assert _bare(host) in host.lower()
    below = _below("/x/api", path, fold=False)
    assert below is None or path == "/x/api" + below


def test_uploads_end_with_their_body(runner):
    """What hypothesis cannot see: files of forms that were refused are closed."""
    outcome(
        runner,
        "multipart/form-data; boundary=b",
        [b'--b\r\nContent-Disposition: form-data; name="a"; filename="f"\r\n\r\nx'],
    )
    gc.collect()
    held = [each for each in gc.get_objects() if isinstance(each, tempfile.SpooledTemporaryFile)]
    assert [each for each in held if not each.closed] == []
