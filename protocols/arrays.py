"""Tensors and arrays on the wire: (library, dtype, shape, lane) and the bytes.

Small ones travel inside the body, larger ones as a frame of their own that neither end copies.
Neither numpy nor torch is imported here: a value of theirs proves that the sender has the
library, and the receiver imports it when the first such value arrives.
"""

from __future__ import annotations

import math
import re
import sys
import warnings
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Self

import msgspec

from .cards import Card, CardBytes, CardPlacer, card_of
from .errors import CodecError, LimitError
from .limits import INLINE_ARRAY_BYTES, MAX_DIMENSIONS, MAX_FRAME_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

Buffer = bytes | bytearray | memoryview

Frame = Buffer | CardBytes
"""What holds the bytes of one array of a message: memory of this process, or of a card."""

_NUMPY_DTYPE = re.compile(r"[<>|][biufcSU][1-9]\d{0,5}")
_TORCH_DTYPES = frozenset((
    "bool", "uint8", "int8", "int16", "int32", "int64", "uint16", "uint32", "uint64", "float16",
    "bfloat16", "float32", "float64", "complex64", "complex128", "float8_e4m3fn", "float8_e5m2",
))  # fmt: skip


class ArrayRecord(msgspec.Struct, array_like=True, frozen=True):
    """What the body says of an array.

    Attributes:
        library: `numpy` or `torch`.
        dtype: numpy's dtype string such as `<f4`, or torch's name such as `bfloat16`.
        shape: Length of each dimension.
        frame: Index of the tensor frame of this message that holds the bytes, or -1.
        inline: The bytes themselves when `frame` is -1.
        card: The CUDA device that it lies on at its sender; None for one in its memory.
    """

    library: str
    dtype: str
    shape: tuple[int, ...]
    frame: int
    inline: bytes
    card: Card | None = None


class MissingFrame(bytes):
    """Stands for a frame whose bytes cannot be had; says why to whoever decodes the array."""

    __slots__ = ()

    def __new__(cls, reason: str) -> Self:
        """Keep the reason as the content."""
        return super().__new__(cls, reason.encode())

    @property
    def reason(self) -> str:
        """Why the bytes cannot be had."""
        return self.decode()


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(ArrayRecord)


def is_array(value: object) -> bool:
    """Return whether `value` is a numpy array or a torch tensor."""
    numpy, torch = sys.modules.get("numpy"), sys.modules.get("torch")
    return (numpy is not None and isinstance(value, numpy.ndarray)) or (
        torch is not None and isinstance(value, torch.Tensor)
    )


def pack_array(value: Any, frames: list[Frame], *, in_place: bool = False) -> bytes:
    """Describe an array as msgpack; bytes from 16 KiB on are appended to `frames`.

    Args:
        value: A numpy array of numbers, booleans or fixed-size text, or a torch tensor of any
            device.
        frames: Tensor frames of the message being built.
        in_place: Leave the bytes of a CUDA tensor, however few, on its card: its frame is a
            `CardBytes`. Else they are copied to this memory first, which waits for the card.

    Raises:
        CodecError: The dtype cannot travel (objects, structured dtypes, sparse tensors).
        LimitError: The array has more bytes than a frame may have.
    """
    card = card_of(value)
    if card is not None and in_place and value.numel():
        dtype, there = card_bytes(value, card)
        record = ArrayRecord("torch", dtype, tuple(value.shape), len(frames), b"", card)
        frames.append(there)
        return _encoder.encode(record)
    library, dtype, data = array_bytes(value)
    if data.nbytes < INLINE_ARRAY_BYTES:
        record = ArrayRecord(library, dtype, tuple(value.shape), -1, data.tobytes(), card)
    else:
        record = ArrayRecord(library, dtype, tuple(value.shape), len(frames), b"", card)
        frames.append(data)
    return _encoder.encode(record)


def unpack_array(
    data: bytes | memoryview, frames: Sequence[Frame], placer: CardPlacer | None = None
) -> Any:
    """Return the array that `pack_array` described; it shares memory with its frame.

    What was on a card at its sender is moved to where `placer` says; without one it stays in
    this process's memory.

    Raises:
        CodecError: The record is malformed, or its frame has another size.
        LimitError: More dimensions or bytes than a frame may have.
    """
    try:
        record = _decoder.decode(data)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise CodecError("array", str(error)) from None
    if len(record.shape) > MAX_DIMENSIONS:
        raise LimitError("number of dimensions", len(record.shape), MAX_DIMENSIONS)
    if record.shape and min(record.shape) < 0:
        raise CodecError("array", f"negative length in shape {record.shape}")
    if record.shape and max(record.shape) > MAX_FRAME_BYTES:
        raise LimitError("length of a dimension", max(record.shape), MAX_FRAME_BYTES)
    if record.frame == -1:
        buffer: Frame = record.inline
    elif 0 <= record.frame < len(frames):
        buffer = frames[record.frame]
        if isinstance(buffer, MissingFrame):
            raise CodecError("array", buffer.reason)
    else:
        raise CodecError("array", f"frame {record.frame} of {len(frames)}")
    try:
        array = _build(record, buffer)
        if record.card is None or placer is None or isinstance(buffer, CardBytes):
            return array
        return placer.place(array, record.card) if record.library == "torch" else array
    except ImportError:
        raise CodecError("array", f"{record.library} is not installed on this node") from None
    except (TypeError, ValueError, RuntimeError, OverflowError, BufferError) as error:
        raise CodecError("array", str(error)) from None


def array_bytes(value: Any) -> tuple[str, str, memoryview]:
    """Return an array's library, dtype and bytes; the bytes are its own where they lie in order.

    Raises:
        CodecError: It is no array, or one whose dtype cannot travel.
        LimitError: It has more bytes than a frame may have.
    """
    if not is_array(value):
        raise CodecError("array", f"{type(value).__qualname__} is no numpy array or torch tensor")
    return _numpy_bytes(value) if _is_numpy(value) else _torch_bytes(value)


def card_bytes(value: Any, card: Card) -> tuple[str, CardBytes]:
    """Return the dtype of a tensor that lies on a card, and its bytes there.

    The bytes are its own where they lie in order.

    Raises:
        CodecError: Its dtype cannot travel.
        LimitError: It has more bytes than a frame may have.
    """
    dtype, flat = _flat(value)
    return dtype, CardBytes(flat, card)


def array_of(library: str, dtype: str, shape: tuple[int, ...], buffer: Frame) -> Any:
    """Return the array that lies in `buffer`; the reverse of `array_bytes`."""
    return _build(ArrayRecord(library, dtype, shape, -1, b""), buffer)


def _is_numpy(value: object) -> bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(value, numpy.ndarray)


def _numpy_bytes(value: Any) -> tuple[str, str, memoryview]:
    import numpy as np  # already loaded: the caller holds one of its arrays

    dtype = value.dtype.str
    if not _may_travel(dtype):
        raise CodecError("array", f"dtype {value.dtype} cannot travel; use numbers or booleans")
    _check_size(value.nbytes)
    flat = np.ascontiguousarray(value).reshape(-1)
    return "numpy", dtype, flat.view(np.uint8).data


@lru_cache(maxsize=256)
def _may_travel(dtype: str) -> bool:
    """Return whether arrays of numpy's dtype may travel; a message has few of them, most the same."""
    return _NUMPY_DTYPE.fullmatch(dtype) is not None


def _torch_bytes(value: Any) -> tuple[str, str, memoryview]:
    name, flat = _flat(value)
    try:
        return "torch", name, flat.cpu().numpy().data
    except (RuntimeError, NotImplementedError) as error:  # on the meta device, or out of memory
        raise CodecError("tensor", str(error)) from None


def _flat(value: Any) -> tuple[str, Any]:
    """Return the name of a tensor's dtype, and its bytes as a flat tensor where it lies.

    The bytes are its own where they lie in order.
    """
    import torch  # already loaded: the caller holds one of its tensors

    name = str(value.dtype).removeprefix("torch.")
    if name not in _TORCH_DTYPES or value.layout is not torch.strided:
        raise CodecError("tensor", f"{name} {value.layout} cannot travel; make it dense")
    _check_size(value.nbytes)
    try:
        dense = value.detach().resolve_conj().resolve_neg().contiguous()
        return name, dense.reshape(-1).view(torch.uint8)
    except (RuntimeError, NotImplementedError) as error:  # out of memory
        raise CodecError("tensor", str(error)) from None


def _check_size(size: int) -> None:
    if size > MAX_FRAME_BYTES:
        raise LimitError("size of an array", size, MAX_FRAME_BYTES)


def _build(record: ArrayRecord, buffer: Frame) -> Any:
    size = buffer.nbytes if isinstance(buffer, CardBytes) else memoryview(buffer).nbytes
    count = math.prod(record.shape)
    if count > MAX_FRAME_BYTES:
        raise LimitError("number of elements", count, MAX_FRAME_BYTES)
    if record.library == "numpy" and _may_travel(record.dtype):
        if isinstance(buffer, CardBytes):
            raise CodecError("array", "numpy cannot read what lies on a card")
        return _build_numpy(record, buffer, count, size)
    if record.library == "torch" and record.dtype in _TORCH_DTYPES:
        return _build_torch(record, buffer, count, size)
    raise CodecError("array", f"unknown dtype {record.library}.{record.dtype}")


def _build_numpy(record: ArrayRecord, buffer: Buffer, count: int, size: int) -> Any:
    import numpy as np  # loaded only where arrays arrive

    dtype = np.dtype(record.dtype)
    if dtype.itemsize * count != size:
        raise CodecError("array", f"{record.dtype}{list(record.shape)} in {size} bytes")
    if count == 0:
        return np.empty(record.shape, dtype)
    return np.frombuffer(buffer, dtype, count).reshape(record.shape)


def _build_torch(record: ArrayRecord, buffer: Frame, count: int, size: int) -> Any:
    import torch  # loaded only where tensors arrive

    dtype = getattr(torch, record.dtype)
    if dtype.itemsize * count != size:
        raise CodecError("tensor", f"{record.dtype}{list(record.shape)} in {size} bytes")
    if count == 0:
        return torch.empty(record.shape, dtype=dtype, device="cpu")
    if isinstance(buffer, CardBytes):
        return buffer.data.view(dtype).reshape(record.shape)
    with warnings.catch_warnings():
        # The frame may be read-only; receivers of a message do not write to it either way.
        warnings.filterwarnings("ignore", message="The given buffer is not writable")
        return torch.frombuffer(buffer, dtype=dtype, count=count).reshape(record.shape)
