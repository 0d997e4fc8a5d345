"""The DATA reader: whatever is sent, in whatever pieces, is what is kept, and what follows the end stays in the reader."""

from __future__ import annotations

import asyncio
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpdeskd.sources import smtp_data
from helpdeskd.sources.smtp_data import END, Content, Overflow, read_content

# mostly the bytes that matter
nasty = st.lists(
    st.sampled_from([b"\r", b"\n", b".", b"\r\n", b"\r\n.", b"\r\n.\r", b"\n.\n", b"x", b"\x00", b"\xff"])
).map(b"".join)
contents = nasty | st.binary(max_size=300) | st.tuples(st.binary(max_size=40), nasty).map(b"".join)
cuts = st.lists(st.integers(min_value=1, max_value=12), max_size=60)


def stuffed(raw: bytes) -> bytes:
    """What a client sends for these lines (RFC 5321 section 4.5.2)."""
    if raw and not raw.endswith(b"\r\n"):
        raw += b"\r\n"
    return re.sub(rb"(\A|\r\n)\.", rb"\1..", raw) + b".\r\n"


def pieces(data: bytes, lengths: list[int]) -> list[bytes]:
    out = []
    for length in lengths:
        out.append(data[:length])
        data = data[length:]
    return [*out, data]


def read(wire: bytes, lengths: list[int], *, limit: int, content: Content) -> bytes:
    """Feed the wire in pieces while it is read; what is left in the reader."""

    async def scenario() -> bytes:
        reader = asyncio.StreamReader(limit=limit)
        reading = asyncio.ensure_future(read_content(reader, content))
        for piece in pieces(wire, lengths):
            reader.feed_data(piece)
            await asyncio.sleep(0)  # lets the reader run; no time passes
            await asyncio.sleep(0)
        reader.feed_eof()
        await reading
        return await reader.read()

    return asyncio.run(scenario())


@settings(max_examples=400, deadline=None)
@given(
    raw=contents,
    rest=st.binary(max_size=30) | st.just(b"QUIT\r\n"),
    lengths=cuts,
    limit=st.integers(5, 64),
    spill=st.sampled_from([1, 20, 10_000]),
)
def test_any_content_arrives_as_it_was(raw, rest, lengths, limit, spill, tmp_path_factory):
    folder = tmp_path_factory.getbasetemp()
    content = Content(10_000, str(folder))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(smtp_data, "SPILL", spill)
        left = read(stuffed(raw) + rest, lengths, limit=limit, content=content)
    expected = raw if not raw or raw.endswith(b"\r\n") else raw + b"\r\n"
    assert b"".join(content.chunks()) == expected
    assert content.size == len(expected)
    assert not content.too_large
    assert content.trouble is None
    assert left == rest
    content.close()


def by_the_book(wire: bytes) -> tuple[bytes, bytes]:
    """Line by line, as RFC 5321 section 4.5.2 says it; (content, what is left). Slow and plain."""
    kept: list[bytes] = []
    while True:
        line, end, wire = wire.partition(b"\r\n")
        assert end
        if line == b".":
            return b"".join(kept), wire
        kept.append(line.removeprefix(b".") + end)


@settings(max_examples=400, deadline=None)
@given(wire=contents, lengths=cuts, limit=st.integers(5, 64))
def test_any_wire_is_read_by_the_book(wire, lengths, limit):
    """Also what no honest client sends: ends in the middle, dots that were not doubled."""
    wire += END
    content = Content(10_000, "/nowhere")
    left = read(wire, lengths, limit=limit, content=content)
    assert (b"".join(content.chunks()), left) == by_the_book(wire)


@settings(max_examples=100, deadline=None)
@given(raw=st.binary(min_size=101, max_size=200), lengths=cuts, limit=st.integers(5, 64))
def test_too_large_keeps_nothing_and_reads_to_the_end(raw, lengths, limit):
    content = Content(100, "/nowhere")
    try:
        left = read(stuffed(raw) + b"QUIT\r\n", lengths, limit=limit, content=content)
    except Overflow:
        assert content.fed > 200
    else:
        assert left == b"QUIT\r\n"
        assert content.too_large
    assert list(content.chunks()) == []


@settings(max_examples=100, deadline=None)
@given(wire=contents.filter(lambda wire: END not in b"\r\n" + wire), lengths=cuts, limit=st.integers(5, 64))
def test_no_end_no_mail(wire, lengths, limit):
    with pytest.raises(asyncio.IncompleteReadError):
        read(wire, lengths, limit=limit, content=Content(10_000, "/nowhere"))


def test_an_opening_of_line_ends_only_is_bounded():
    """Each of these bytes could begin an end of data; they are fed on all the same, and end at the limit."""
    content = Content(20_000, "/nowhere")
    with pytest.raises(Overflow):
        read(b"\r\n" * 100_000, [], limit=64, content=content)


def test_a_failing_disk_is_remembered_and_the_rest_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(smtp_data, "SPILL", 10)
    content = Content(10_000, str(tmp_path / "missing"))
    assert read(b"x" * 100 + b"\r\n.\r\nNOOP", [], limit=16, content=content) == b"NOOP"
    assert isinstance(content.trouble, FileNotFoundError)
