"""Bytes from a peer that means harm: a typed error or a value, in little memory, whatever comes."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING, Any

import msgpack
import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from passel.protocols.arrays import unpack_array
from passel.protocols.batch import pack_batch, unpack_batch
from passel.protocols.envelope import Ask, Reply, Request
from passel.protocols.errors import CodecError, ProtocolError
from passel.protocols.failure import Failed

if TYPE_CHECKING:
    from collections.abc import Callable

    from passel.protocols.codec import Codec

LEVELS = 100_000
MANY = 1 << 20
WIDE = MANY.to_bytes(4, "big")
NESTED = {
    "lists of one": b"\x91" * LEVELS,
    "16-bit lists": b"\xdc\x00\x01" * LEVELS,
    "32-bit lists": b"\xdd\x00\x00\x00\x01" * LEVELS,
    "maps of one": b"\x81\x01" * LEVELS,
    "16-bit maps": b"\xde\x00\x01\x01" * LEVELS,
    "32-bit maps": b"\xdf\x00\x00\x00\x01\x01" * LEVELS,
    "maps as keys": b"\x81" * LEVELS,
    "lists in maps": b"\x81\xa1x\x91" * LEVELS,
}
ANNOUNCED = {
    "wide lists in wide lists": (b"\xdd" + WIDE) * 60 + b"\xc0" * MANY,
    "wide lists, then rubbish": (b"\xdd" + WIDE) * 60 + b"\xc1" + b"\xc0" * MANY,
    "wide maps in wide maps": (b"\xdf" + WIDE + b"\x01") * 60 + b"\xc0" * MANY,
    "a list of 4 Gi": b"\xdd\xff\xff\xff\xff" + b"\xc0" * 100,
    "a map of 4 Gi": b"\xdf\xff\xff\xff\xff" + b"\xc0" * 100,
    "a text of 4 GiB": b"\xdb\xff\xff\xff\xff",
    "bytes of 4 GiB": b"\xc6\xff\xff\xff\xff",
    "an extension of 4 GiB": b"\xc9\xff\xff\xff\xff\x01",
}
HOSTILE = NESTED | ANNOUNCED
HINTS: tuple[Any, ...] = (
    Any,
    list[Any],
    tuple[int, str],
    tuple[Any, ...],
    dict[str, Any],
    list[list[list[int]]],
    Failed,
    msgspec.Raw,
)


def in_ask(body: bytes) -> bytes:
    """Return a batch of one ask with this body."""
    fields = (1, "a/", "b", 1, "m", -1.0, 1, 0.0, "", b"", "", False, 0)
    return pack_batch([Ask(*fields, msgspec.Raw(body))])


def peak_of(work: Callable[[], object]) -> int:
    """Return the most bytes that `work` held while it failed as it should."""
    tracemalloc.start()
    try:
        with pytest.raises(ProtocolError):
            work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_bodies_are_refused_in_memory_of_their_own_size(codec: Codec, name: str) -> None:
    data = HOSTILE[name]

    for hint in HINTS[:-1]:
        assert peak_of(lambda hint=hint: codec.decode(data, hint)) < 10 * len(data) + 100_000  # type: ignore[misc]  # a default argument


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_batches_are_refused_in_memory_of_their_own_size(name: str) -> None:
    data = HOSTILE[name]

    for frame in (data, b"\x91" + data, b"\x91\x9f\x00" + data, in_ask(data)):
        assert peak_of(lambda frame=frame: unpack_batch(frame)) < 10 * len(frame) + 100_000  # type: ignore[misc]  # a default argument
    assert peak_of(lambda: unpack_array(data, [])) < 10 * len(data) + 100_000


def test_an_array_with_a_shape_that_is_not_there_is_refused_in_little_memory(codec: Codec) -> None:
    record = b"\x95\xa5numpy\xa3<f4\xdd\xff\xff\xff\xff" + bytes(40)
    body = msgspec.msgpack.encode(msgspec.msgpack.Ext(1, record))

    assert peak_of(lambda: codec.decode(body, Any)) < 100_000


@given(data=st.binary(max_size=300))
@example(data=b"\xc1")
@example(data=b"")
@example(data=b"\x91\x91\xcc\xff")
def test_any_bytes_give_a_value_or_a_typed_error(codec: Codec, data: bytes) -> None:
    readers: list[Callable[[], object]] = [
        lambda: unpack_batch(data),
        lambda: unpack_batch(memoryview(data)),
        lambda: unpack_array(data, [data]),
        *(lambda hint=hint: codec.decode(data, hint, [data]) for hint in HINTS),
    ]
    for read in readers:
        try:
            read()
        except ProtocolError:
            continue


@given(
    data=st.data(),
    flips=st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 255)), max_size=3),
)
def test_a_damaged_batch_gives_messages_or_a_typed_error(
    codec: Codec, data: st.DataObject, flips: list[tuple[int, int]]
) -> None:
    """Like real traffic with bits flipped or cut off: it gets further than random bytes do."""
    values = st.recursive(
        st.none() | st.integers(-9, 99) | st.text(max_size=4) | st.binary(max_size=4),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
        max_leaves=6,
    )
    body, _ = codec.encode([data.draw(values), msgspec.msgpack.Ext(1, msgpack.packb(["numpy"]))])
    damaged = bytearray(in_ask(body) + pack_batch([Reply(1, 0.5, 0, msgspec.Raw(body))]))
    for place, mask in flips:
        damaged[place % len(damaged)] ^= mask
    del damaged[data.draw(st.integers(1, len(damaged))) :]

    try:
        messages = unpack_batch(bytes(damaged))
    except ProtocolError:
        return
    for message in messages:
        if isinstance(message, Request | Reply):
            for hint in HINTS:
                try:
                    codec.decode(message.body, hint)
                except ProtocolError:
                    continue


def test_a_body_that_nests_within_reason_is_read(codec: Codec) -> None:
    value: Any = "bottom"
    for level in range(64):
        value = [value] if level % 2 else {"deeper": value}

    assert codec.decode(codec.encode(value)[0], Any) == value


def test_a_value_that_nests_too_deep_is_refused_by_its_sender(codec: Codec) -> None:
    value: Any = None
    for _ in range(LEVELS):
        value = [value]

    with pytest.raises(CodecError, match="recursion"):
        codec.encode(value)
    while value:  # taken apart here: a chain this long is not left to the destructor
        value = value.pop()
