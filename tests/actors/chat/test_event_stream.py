from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from passel.actors.chat.event_stream import EventReader
from passel.protocols.errors import LimitError

LINE_ENDS = (("\r",), ("\r\n", "\n"))
"""What ends lines in one stream: a return before a newline would be one end, not two."""

NOISE = ("", ": a comment", ":", "event: note", "id: 7", "retry: 10", "unknown", "dataset: no")
TEXT = st.text(st.characters(exclude_characters="\r\n", codec="utf-8"), max_size=6)
EMPTY = st.sampled_from(["data", "data:", "data: "])


@st.composite
def streams(draw: st.DrawFn) -> tuple[bytes, list[str]]:
    """Return the bytes of a stream, and the data of its events."""
    written = draw(st.sampled_from(["", "\ufeff"]))
    events = draw(st.lists(st.lists(TEXT, min_size=1, max_size=3), max_size=4))

    ends = draw(st.sampled_from(LINE_ENDS))

    def line(text: str) -> str:
        return text + draw(st.sampled_from(ends))

    for event in events:
        for data in event:
            noise = draw(st.sampled_from([n for n in NOISE if n]))
            written += line(noise) + line(f"data: {data}" if data else draw(EMPTY))
        written += line("")
        written += "".join(line(n) for n in draw(st.lists(st.sampled_from(NOISE), max_size=2)))
    return written.encode(), ["\n".join(event) for event in events]


@settings(max_examples=60)
@given(streams(), st.data())
def test_where_the_bytes_are_cut_makes_no_difference(
    stream: tuple[bytes, list[str]], data: st.DataObject
) -> None:
    written, events = stream
    cuts = data.draw(st.lists(st.integers(0, len(written)), max_size=12).map(sorted))
    reader = EventReader()

    found = []
    for start, end in zip([0, *cuts], [*cuts, len(written)], strict=True):
        found += reader.feed(written[start:end])

    assert found + reader.finish() == events


@settings(max_examples=40)
@given(streams())
def test_single_bytes_will_do(stream: tuple[bytes, list[str]]) -> None:
    written, events = stream
    reader = EventReader()

    assert [e for byte in written for e in reader.feed(bytes([byte]))] + reader.finish() == events


def test_an_event_is_given_with_the_byte_that_completes_it() -> None:
    reader = EventReader()

    assert reader.feed(b"data: one\r\n") == []
    assert reader.feed(b"\r") == ["one"]
    assert reader.feed(b"\ndata: tw") == []
    assert reader.feed(b"o\n\ndata: three") == ["two"]
    assert reader.finish() == ["three"]
    assert reader.finish() == []


def test_characters_are_whole_and_what_is_none_is_replaced() -> None:
    reader = EventReader()
    snowman = "data: \N{SNOWMAN}\n\n".encode()

    assert reader.feed(snowman[:7]) + reader.feed(snowman[7:]) == ["\N{SNOWMAN}"]
    assert reader.feed(b"data: \xff\n\n") == ["\N{REPLACEMENT CHARACTER}"]


@pytest.mark.parametrize("chunk", [b"data: 123456789", b"data: 12\n" * 5, b"noise" * 3])
def test_an_event_that_grows_for_ever_is_refused(chunk: bytes) -> None:
    reader = EventReader(max_bytes=9)

    with pytest.raises(LimitError, match="the limit is 9"):
        reader.feed(chunk)


def test_many_small_events_are_no_large_one() -> None:
    reader = EventReader(max_bytes=9)

    assert reader.feed(b"data: 12345678\n\n" * 100) == ["12345678"] * 100
