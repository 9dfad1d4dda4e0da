from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from passel.protocols import batch
from passel.protocols.batch import deal_frames, is_plain, pack_batch, peek_mark, unpack_batch
from passel.protocols.envelope import AnyMessage, End, Hello, Item, Mark, Reply
from passel.protocols.errors import CodecError, LimitError
from passel.protocols.limits import MAX_BATCH_BYTES, MAX_BATCH_MESSAGES, MAX_FRAMES

NIL = msgspec.Raw(b"\xc0")


def reply(frames: int) -> Reply:
    """Return a reply that announces tensor frames."""
    return Reply(1, 0.0, frames, NIL)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=12))
def test_every_message_gets_its_own_frames_in_order(counts: list[int]) -> None:
    frames = [bytes([index]) for index in range(sum(counts))]
    messages: list[AnyMessage] = [reply(count) for count in counts]

    dealt = deal_frames(messages, frames)

    if not frames:
        assert dealt is None
    else:
        assert dealt is not None
        assert [len(own) for own in dealt] == counts
        assert [frame for own in dealt for frame in own] == frames


def test_messages_without_a_body_take_no_frames() -> None:
    assert deal_frames([End(1), Item(2, 0.0, 1, NIL)], [b"x"]) == [[], [b"x"]]


@pytest.mark.parametrize(("announced", "came"), [(2, 1), (1, 2), (0, 1), (-1, 1)])
def test_frames_that_were_announced_otherwise_are_refused(announced: int, came: int) -> None:
    with pytest.raises(CodecError, match="frames"):
        deal_frames([reply(announced)], [b""] * came)


def test_a_batch_of_too_many_frames_is_refused() -> None:
    with pytest.raises(LimitError, match="number of tensor frames is 4097, the limit is 4096"):
        deal_frames([reply(MAX_FRAMES + 1)], [b""] * (MAX_FRAMES + 1))


def test_a_frame_beyond_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "MAX_FRAME_BYTES", 3)  # the real one is 8 GiB

    with pytest.raises(LimitError) as caught:
        deal_frames([reply(1)], [b"four"])

    assert (caught.value.value, caught.value.limit) == (4, 3)


def test_a_batch_of_too_many_bytes_is_refused_unread() -> None:
    with pytest.raises(LimitError, match="size of the batch"):
        unpack_batch(bytes(MAX_BATCH_BYTES + 1))


@pytest.mark.parametrize("count", [MAX_BATCH_MESSAGES + 1, 2**32 - 1])
def test_a_batch_of_too_many_messages_is_refused_unread(count: int) -> None:
    with pytest.raises(LimitError, match=f"messages in the batch is {count}"):
        unpack_batch(b"\xdd" + count.to_bytes(4, "big"))


def test_a_batch_of_just_the_allowed_number_of_messages_is_read() -> None:
    messages: list[AnyMessage] = [End(number) for number in range(MAX_BATCH_MESSAGES)]

    assert unpack_batch(pack_batch(messages)) == messages


def test_bodies_of_a_batch_are_views_of_its_frame() -> None:
    body = b"\xc5\xff\xff" + bytes(0xFFFF)
    frame = pack_batch([Reply(1, 0.0, 0, msgspec.Raw(body))])

    (message,) = unpack_batch(frame)

    assert isinstance(message, Reply)
    assert bytes(message.body) == body
    assert np.shares_memory(np.frombuffer(message.body, np.uint8), np.frombuffer(frame, np.uint8))


@given(
    st.integers(0, 2**64 - 1),
    st.integers(0, 2**64 - 1),
    st.booleans(),
    st.sampled_from((0, 1, 14, 15, 16, 65_535)),
)
def test_the_mark_is_read_though_the_rest_is_malformed(
    number: int, acknowledged: int, wanted: bool, others: int
) -> None:
    mark = Mark(number, acknowledged, wanted)
    frame = pack_batch([mark, *[End(1)] * others])

    assert peek_mark(frame + b"\xc1") == mark
    assert peek_mark(frame[:4]) is None
    assert peek_mark(b"") is None


def test_a_batch_is_plain_when_it_begins_with_a_mark_and_introduces_nobody() -> None:
    hello = Hello("n", 1, "", 2, {}, "")

    assert is_plain([Mark(1, 0)])
    assert is_plain([Mark(1, 0), End(1)])
    assert not is_plain([Mark(1, 0), hello, End(1)])
    assert not is_plain([End(1)])
    assert not is_plain([])
