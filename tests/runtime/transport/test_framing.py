from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passel.protocols.errors import LimitError
from passel.protocols.limits import MAX_BATCH_BYTES, MAX_FRAME_BYTES, MAX_FRAMES
from passel.runtime.transport.framing import BUFFER_BYTES, DIRECT_BYTES, FrameReader, header_of

if TYPE_CHECKING:
    from collections.abc import Iterator


def stream(*multiparts: list[bytes]) -> bytes:
    """Return the bytes of multiparts as a writer sends them."""
    return b"".join(header_of(parts) + b"".join(parts) for parts in multiparts)


def read(reader: FrameReader, data: bytes, sizes: Iterator[int]) -> list[list[bytes]]:
    """Give a stream to a reader in pieces; return the multiparts that it found, as plain bytes."""
    found: list[list[bytes]] = []
    view = memoryview(data)
    while view:
        space = reader.space()
        count = min(next(sizes), len(space), len(view))
        space[:count] = view[:count]
        view = view[count:]
        found.extend([bytes(part) for part in parts] for parts in reader.take(count))
    return found


def endless(sizes: list[int]) -> Iterator[int]:
    while True:
        yield from sizes


@given(
    st.lists(st.lists(st.binary(max_size=300), min_size=1, max_size=5), max_size=8),
    st.lists(st.integers(1, 400), min_size=1, max_size=10),
)
def test_multiparts_come_out_as_they_went_in_however_the_stream_is_cut(
    multiparts: list[list[bytes]], sizes: list[int]
) -> None:
    assert read(FrameReader(), stream(*multiparts), endless(sizes)) == multiparts


@pytest.mark.parametrize("piece", [4_096, 65_537, 1 << 20])
def test_parts_of_any_size_come_out_whole_and_in_order(piece: int) -> None:
    sizes = (0, 1, DIRECT_BYTES - 1, DIRECT_BYTES, BUFFER_BYTES, BUFFER_BYTES + 1, 1 << 20, 3)
    parts = [bytes([index]) * size for index, size in enumerate(sizes)]
    multiparts = [parts, [b"x"], parts[::-1], [parts[6], parts[5]]]

    assert read(FrameReader(), stream(*multiparts), endless([piece])) == multiparts


def test_large_tensor_frames_are_read_to_where_they_stay() -> None:
    reader = FrameReader()
    size = 1 << 20
    head = header_of([b"batch", bytes(size)]) + b"batch"
    reader.space()[: len(head)] = head

    assert list(reader.take(len(head))) == []
    room = reader.space()

    assert len(room) == size
    [[_, frame]] = reader.take(size)
    room[0] = 7
    assert memoryview(frame)[0] == 7


@pytest.mark.parametrize(
    ("header", "what"),
    [
        (struct.pack("<I", 0), "number of parts"),
        (struct.pack("<I", MAX_FRAMES + 2), "number of parts"),
        (struct.pack("<IQ", 1, MAX_BATCH_BYTES + 1), "size of the batch"),
        (struct.pack("<IQQ", 2, 1, MAX_FRAME_BYTES + 1), "size of a frame"),
    ],
)
def test_what_is_beyond_a_limit_is_refused_by_its_header_alone(header: bytes, what: str) -> None:
    reader = FrameReader()
    reader.space()[: len(header)] = header

    with pytest.raises(LimitError, match=what):
        list(reader.take(len(header)))
