from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any

import msgpack
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from passel.protocols import arrays as arrays_module
from passel.protocols.arrays import pack_array, unpack_array
from passel.protocols.cards import CardBytes
from passel.protocols.errors import CodecError, LimitError, ProtocolError
from passel.protocols.limits import INLINE_ARRAY_BYTES, MAX_DIMENSIONS, MAX_FRAME_BYTES

if TYPE_CHECKING:
    from passel.protocols.arrays import Buffer, Frame
    from passel.protocols.codec import Codec

DTYPES = [
    "|b1", "|i1", "|u1", "<i2", ">i4", "<u4", "<i8", "<u8", "<f2", "<f4", ">f8", "<c8", "<c16", "|S3", "<U4",
]  # fmt: skip
TORCH_DTYPES = [
    "bool", "uint8", "int8", "int16", "int32", "int64", "uint16", "uint32", "uint64", "float16", "bfloat16",
    "float32", "float64", "complex64", "complex128", "float8_e4m3fn", "float8_e5m2",
]  # fmt: skip


def sent(value: Any) -> Any:
    """Return what arrives of an array."""
    frames: list[Frame] = []
    record = pack_array(value, frames)
    return unpack_array(record, frames)


def bytes_of(frame: Frame) -> Buffer:
    """Return a frame that lies in this memory."""
    assert not isinstance(frame, CardBytes)
    return frame


def same(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> bool:
    """Whether two arrays are equal bit by bit, not-a-numbers included."""
    return (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())


@given(
    data=st.data(),
    dtype=st.sampled_from(DTYPES),
    shape=arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5),
)
def test_arrays_come_back_bit_by_bit(data: st.DataObject, dtype: str, shape: Any) -> None:
    value = data.draw(arrays.arrays(np.dtype(dtype), shape))

    assert same(sent(value), value)


@given(data=st.data(), dtype=st.sampled_from(["<i4", "<f8", "<c8"]))
def test_views_that_are_not_contiguous_come_back(data: st.DataObject, dtype: str) -> None:
    whole = data.draw(arrays.arrays(np.dtype(dtype), (4, 5, 3)))
    index = data.draw(arrays.basic_indices((4, 5, 3)))

    view = np.asarray(whole[index])

    assert same(sent(view), view)
    assert same(sent(whole.T), whole.T.copy())


@pytest.mark.parametrize("items", [0, INLINE_ARRAY_BYTES - 1, INLINE_ARRAY_BYTES, 1 << 20])
def test_small_arrays_travel_inline_and_large_ones_as_a_frame(items: int) -> None:
    value = np.arange(items, dtype=np.uint8)
    frames: list[Frame] = [b"of another array"]

    record = pack_array(value, frames)

    library, dtype, shape, frame, inline, card = msgpack.unpackb(record)
    assert (library, dtype, shape, card) == ("numpy", "|u1", [items], None)
    if items < INLINE_ARRAY_BYTES:
        assert (frame, inline, len(frames)) == (-1, value.tobytes(), 1)
    else:
        assert (frame, inline, len(frames)) == (1, b"", 2)
        assert np.shares_memory(np.frombuffer(bytes_of(frames[1]), np.uint8), value)
    assert same(unpack_array(record, frames), value)


def test_an_array_shares_the_memory_of_its_frame() -> None:
    frames: list[Frame] = []
    record = pack_array(np.zeros(1 << 16), frames)
    arrived = bytes(frames[0])

    value = unpack_array(record, [arrived])

    assert np.shares_memory(value, np.frombuffer(arrived, np.uint8))


def test_many_arrays_of_one_value_each_get_their_own_frame(codec: Codec) -> None:
    value = {"a": [np.full(5000, 1), np.zeros(3)], "b": (np.full((100, 90), 2.5),)}

    body, frames = codec.encode(value)
    back = codec.decode(body, Any, frames)

    assert [memoryview(frame).nbytes for frame in frames] == [40_000, 72_000]
    assert same(back["a"][0], value["a"][0])
    assert same(back["a"][1], value["a"][1])
    assert same(back["b"][0], value["b"][0])


@pytest.mark.parametrize("hint", [np.ndarray, npt.NDArray[np.float64], np.ndarray | None, Any])
def test_hints_of_arrays_are_understood(codec: Codec, hint: Any) -> None:
    body, frames = codec.encode(np.ones(3))

    assert same(codec.decode(body, hint, frames), np.ones(3))


@pytest.mark.parametrize(
    "value",
    [
        np.array([object()]),
        np.zeros(2, dtype=[("a", "<i4")]),
        np.array(["2020-01-01"], dtype="datetime64[D]"),
    ],
    ids=["objects", "records", "dates"],
)
def test_dtypes_that_cannot_travel_are_refused(codec: Codec, value: Any) -> None:
    with pytest.raises(CodecError, match="cannot travel"):
        codec.encode([value])


def test_an_array_beyond_the_size_of_a_frame_is_refused_uncopied() -> None:
    huge = np.broadcast_to(np.uint8(0), (MAX_FRAME_BYTES + 1,))

    with pytest.raises(LimitError, match="size of an array"):
        pack_array(huge, [])


@pytest.mark.parametrize(
    "record",
    [
        ["numpy", "<f4", [2], -1, b"1234567"],
        ["numpy", "<f4", [2], 0, b""],
        ["numpy", "<f4", [2], 1, b""],
        ["numpy", "<f4", [2], -2, b""],
        ["numpy", "<f4", [-2], -1, b""],
        ["numpy", "<f4", [0, 2**64 - 1], -1, b""],
        ["numpy", "<f4", [0, 2**33, 2**33], -1, b""],
        ["torch", "float32", [0, 2**64 - 1], -1, b""],
        ["torch", "float32", [0, 2**33, 2**33, 2**33], -1, b""],
        ["numpy", "<f4", [2**32, 2**32], -1, b""],
        ["numpy", "<f4", [1] * (MAX_DIMENSIONS + 1), -1, b"1234"],
        ["numpy", "|S0", [4], -1, b""],
        ["numpy", "|O8", [1], -1, b"12345678"],
        ["numpy", "<f3", [1], -1, b"123"],
        ["numpy", "<V4", [1], -1, b"1234"],
        ["numpy", "<f4,<f4", [1], -1, b"12345678"],
        ["torch", "qint8", [1], -1, b"1"],
        ["torch", "float32", [2], -1, b"123"],
        ["torch", "load", [2], -1, b"123"],
        ["pandas", "<f4", [1], -1, b"1234"],
        ["numpy", "<f4", [1], -1],
        ["numpy", "<f4", "1", -1, b"1234"],
        {"library": "numpy"},
        7,
    ],
    ids=str,
)
def test_a_malformed_description_is_refused(record: Any) -> None:
    with pytest.raises(ProtocolError):
        unpack_array(msgpack.packb(record), [b"123"])


@given(
    library=st.sampled_from(["numpy", "torch", "jax"]),
    dtype=st.sampled_from([*DTYPES, *TORCH_DTYPES, "<f3", "|O8"]) | st.text(max_size=6),
    shape=st.lists(
        st.integers(0, 4) | st.integers(-(2**63), 2**64 - 1) | st.integers(2**30, 2**34), max_size=5
    ),
    frame=st.integers(-2, 2) | st.integers(-(2**63), 2**64 - 1),
    data=st.binary(max_size=64),
)
def test_any_description_gives_an_array_or_a_typed_error(
    library: str, dtype: str, shape: list[int], frame: int, data: bytes
) -> None:
    record = msgpack.packb([library, dtype, shape, frame, data])
    try:
        value = unpack_array(record, [data, bytearray(data)])
    except ProtocolError:
        return
    assert list(value.shape) == shape
    assert math.prod(shape) <= len(data)


def test_the_limit_of_elements_is_checked_before_the_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays_module, "MAX_FRAME_BYTES", 8)

    with pytest.raises(LimitError, match="number of elements"):
        unpack_array(msgpack.packb(["numpy", "|u1", [3, 3], -1, bytes(9)]), [])


def test_a_tensor_is_refused_where_torch_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)

    with pytest.raises(CodecError, match="torch is not installed on this node"):
        unpack_array(msgpack.packb(["torch", "float32", [1], -1, bytes(4)]), [])


@pytest.mark.parametrize("dtype", TORCH_DTYPES)
@pytest.mark.parametrize("shape", [(), (0, 3), (2, 3), (5000,)], ids=str)
def test_tensors_come_back_bit_by_bit(dtype: str, shape: tuple[int, ...]) -> None:
    torch = pytest.importorskip("torch")
    generator = torch.Generator().manual_seed(1)
    kind = getattr(torch, dtype)
    raw = torch.randint(0, 2, (math.prod(shape) * kind.itemsize,), generator=generator)
    value = raw.to(torch.uint8).view(kind).reshape(shape)

    back = sent(value)

    assert (back.dtype, back.shape) == (value.dtype, value.shape)
    flat, other = value.reshape(-1).view(torch.uint8), back.reshape(-1).view(torch.uint8)
    assert torch.equal(flat, other)


def test_tensors_that_are_lazy_or_strided_arrive_as_they_look() -> None:
    torch = pytest.importorskip("torch")
    numbers = torch.arange(12, dtype=torch.float32).reshape(3, 4)
    numbers.requires_grad_()
    wave = torch.tensor([1 + 2j, 3 - 4j])

    for value in (
        numbers[:, ::2],
        numbers.T,
        numbers.expand(2, 3, 4),
        wave.conj(),
        wave.conj().imag,
    ):
        assert torch.equal(sent(value), value)


def test_tensors_that_cannot_travel_are_refused(codec: Codec) -> None:
    torch = pytest.importorskip("torch")

    for value in (torch.zeros(2).to_sparse(), torch.zeros(2, device="meta")):
        with pytest.raises(CodecError, match="tensor"):
            codec.encode({"value": value})
