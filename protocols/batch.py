"""Many messages, one multipart: the batch frame and the tensor frames that follow it.

Frame 0 is one MessagePack array of messages, a Mark first; after it come the tensor frames of all messages,
in order. Everything that one node has for another at the end of a loop turn leaves as one
multipart, so its cost is paid once per turn and not once per message.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import msgspec
from msgspec.msgpack import Decoder, Encoder

from .envelope import AnyMessage, Hello, Item, Mark, Reply, Request
from .errors import CodecError, LimitError
from .limits import MAX_BATCH_BYTES, MAX_BATCH_MESSAGES, MAX_FRAME_BYTES, MAX_FRAMES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .arrays import Buffer

_encoder = Encoder()
_decoder = Decoder(list[AnyMessage])
_mark_decoder = Decoder(Mark)

_SHORTEST_MARK, _LONGEST_MARK = 5, 21


def pack_batch(messages: list[AnyMessage]) -> bytes:
    """Return the batch frame of `messages`."""
    return _encoder.encode(messages)


def unpack_batch(frame: Buffer) -> list[AnyMessage]:
    """Return the messages of a batch frame; their bodies are views of it, not yet decoded.

    Raises:
        LimitError: The frame or its number of messages is beyond the limit.
        CodecError: The frame is no array of messages.
    """
    size = len(frame)
    if size > MAX_BATCH_BYTES:
        raise LimitError("size of the batch", size, MAX_BATCH_BYTES)
    if size and frame[0] in (0xDC, 0xDD):
        width = 2 if frame[0] == 0xDC else 4
        count = int.from_bytes(frame[1 : 1 + width], "big")
        if count > MAX_BATCH_MESSAGES:
            raise LimitError("number of messages in the batch", count, MAX_BATCH_MESSAGES)
    try:
        return _decoder.decode(frame)
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise CodecError("batch", str(error)) from None


def is_plain(messages: Sequence[AnyMessage]) -> bool:
    """Return whether a batch begins as it must, and is not one that introduces its sender."""
    count = len(messages)
    return (
        count > 0 and type(messages[0]) is Mark and (count == 1 or type(messages[1]) is not Hello)
    )


def peek_mark(frame: Buffer) -> Mark | None:
    """Return the Mark that a batch frame begins with, though the rest of it is malformed."""
    data = bytes(frame[: 5 + _LONGEST_MARK])
    start = {0xDC: 3, 0xDD: 5}.get(data[0], 1) if data else 0
    for end in range(start + _SHORTEST_MARK, min(start + _LONGEST_MARK, len(data)) + 1):
        with contextlib.suppress(msgspec.MsgspecError):  # no encoding is the beginning of another
            return _mark_decoder.decode(data[start:end])
    return None


def frames_of(message: AnyMessage) -> int:
    """Return how many of a multipart's tensor frames belong to a message."""
    if not isinstance(message, Request | Reply | Item):
        return 0
    frames = message.frames
    return frames if isinstance(frames, int) else frames.count(None)


def deal_frames(
    messages: Sequence[AnyMessage], frames: Sequence[Buffer]
) -> list[Sequence[Buffer]] | None:
    """Return for each message its own tensor frames, or None when there are none at all.

    Raises:
        LimitError: Too many frames, or one too large.
        CodecError: The messages announce more or fewer frames than came.
    """
    if not frames:
        return None
    if len(frames) > MAX_FRAMES:
        raise LimitError("number of tensor frames", len(frames), MAX_FRAMES)
    for frame in frames:
        if memoryview(frame).nbytes > MAX_FRAME_BYTES:
            raise LimitError("size of a frame", memoryview(frame).nbytes, MAX_FRAME_BYTES)
    dealt: list[Sequence[Buffer]] = []
    position = 0
    for message in messages:
        count = frames_of(message)
        if count < 0 or position + count > len(frames):
            raise CodecError("batch", f"message wants {count} of {len(frames) - position} frames")
        dealt.append(frames[position : position + count])
        position += count
    if position != len(frames):
        raise CodecError("batch", f"{len(frames) - position} frames belong to no message")
    return dealt
