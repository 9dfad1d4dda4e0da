from __future__ import annotations

from typing import Any

import msgpack
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from passel.protocols.batch import pack_batch, unpack_batch
from passel.protocols.envelope import (
    Accepted,
    AnyMessage,
    Ask,
    Cancel,
    Closed,
    Credit,
    Demand,
    End,
    Failure,
    Goodbye,
    Hello,
    Item,
    Mark,
    Offered,
    Open,
    Reply,
    Returned,
    Settled,
    Taken,
    Tell,
)
from passel.protocols.slots import CardSlot

REQUEST = [
    "id", "source", "target", "incarnation", "method", "deadline", "sequence", "sent", "chain", "trace", "key",
    "beside", "frames", "body",
]  # fmt: skip
DOCUMENTED: dict[type, tuple[int, list[str]]] = {
    Ask: (0, REQUEST),
    Tell: (1, REQUEST),
    Open: (2, [*REQUEST, "demand"]),
    Reply: (3, ["id", "sent", "frames", "body"]),
    Failure: (4, ["id", "sent", "body"]),
    Item: (5, ["id", "sent", "frames", "body"]),
    End: (6, ["id"]),
    Cancel: (7, ["id"]),
    Demand: (8, ["id", "count"]),
    Credit: (9, ["target", "incarnation", "count", "beside"]),
    Closed: (10, ["target", "incarnation", "reason"]),
    Hello: (11, ["node", "life", "endpoint", "version", "signatures", "cookie", "memory"]),
    Goodbye: (12, ["node", "reason", "life"]),
    Mark: (13, ["number", "acknowledged", "wanted"]),
    Returned: (14, ["slots"]),
    Taken: (15, ["id"]),
    Settled: (16, ["source", "target", "incarnation", "method", "key"]),
    Offered: (17, ["segment", "card"]),
    Accepted: (18, ["uuid"]),
}
"""The arrays of docs/protocol.md: the kind, and what stands after it."""

uint = st.integers(0, 2**64 - 1)
text = st.text(max_size=20)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "deadline": st.floats(allow_nan=False),
    "sent": st.floats(allow_nan=False),
    "beside": st.booleans(),
    "wanted": st.booleans(),
    "trace": st.binary(max_size=16),
    "body": st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | text | st.binary(max_size=9),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
        max_leaves=12,
    ),
    "signatures": st.dictionaries(text, text, max_size=4),
    **dict.fromkeys(("source", "target", "method", "chain", "key", "reason"), text),
    "slots": st.lists(st.tuples(uint, uint).map(list), max_size=4),
    "card": st.tuples(text, st.binary(max_size=64), st.binary(max_size=64)).map(list),
    **dict.fromkeys(("node", "endpoint", "cookie", "memory", "uuid"), text),
    **dict.fromkeys(("id", "incarnation", "sequence", "frames", "segment"), uint),
    **dict.fromkeys(("demand", "count", "life", "version", "number", "acknowledged"), uint),
}


def a_message(kind: type) -> st.SearchStrategy[tuple[Any, list[Any]]]:
    """Return messages of a kind, each with the plain values that it is made of."""
    number, names = DOCUMENTED[kind]

    def build(values: tuple[Any, ...]) -> tuple[Any, list[Any]]:
        fields = dict(zip(names, values, strict=True))
        if "body" in fields:
            fields["body"] = msgspec.Raw(msgspec.msgpack.encode(fields["body"]))
        if "card" in fields:
            fields["card"] = CardSlot(*fields["card"])
        return kind(**fields), [number, *values]

    return st.tuples(*(VALUES[name] for name in names)).map(build)


def test_the_documented_kinds_are_all_kinds() -> None:
    assert set(DOCUMENTED) == set(AnyMessage.__args__)
    for kind, (_, names) in DOCUMENTED.items():
        assert list(kind.__struct_fields__) == names  # type: ignore[attr-defined]  # a msgspec struct


@pytest.mark.parametrize("kind", DOCUMENTED, ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_a_message_of_every_kind_survives_the_wire_and_plain_msgpack_reads_it(
    kind: type, data: st.DataObject
) -> None:
    message, documented = data.draw(a_message(kind))
    frame = pack_batch([message])

    assert msgpack.unpackb(frame, strict_map_key=False) == [documented]
    (back,) = unpack_batch(frame)
    assert type(back) is kind
    assert pack_batch([back]) == frame


@given(st.lists(st.sampled_from(list(DOCUMENTED)).flatmap(a_message), max_size=8))
def test_a_batch_keeps_its_messages_in_order(drawn: list[tuple[Any, list[Any]]]) -> None:
    frame = pack_batch([message for message, _ in drawn])

    assert msgpack.unpackb(frame, strict_map_key=False) == [documented for _, documented in drawn]
    assert pack_batch(unpack_batch(memoryview(frame))) == frame


def test_elements_after_the_known_ones_are_ignored() -> None:
    frame = msgpack.packb([[6, 7, "of a later version", {"x": [1]}]])

    (message,) = unpack_batch(frame)

    assert message == End(7)
