from __future__ import annotations

import datetime as dt
import enum
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import msgpack
import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from passel import Actor, ActorRef, handler
from passel.actors.handler import HandlerSpec
from passel.actors.ref import Reference, reference_type
from passel.protocols import codec as codec_module
from passel.protocols.address import Address
from passel.protocols.errors import CodecError, LimitError
from passel.protocols.limits import MAX_BODY_BYTES, MAX_FRAMES

if TYPE_CHECKING:
    from passel.protocols.codec import Codec


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, slots=True)
class Point:
    x: int
    y: float


class Shape(msgspec.Struct, frozen=True, tag=True):
    name: str
    points: tuple[Point, ...]
    colour: Colour | None = None


class Nothing(msgspec.Struct, frozen=True, tag=True):
    pass


class Greeter(Actor):
    @handler
    async def greet(self, name: str) -> str:
        return name


class Desk(Actor):
    @handler
    async def place(self, shape: Shape, *, at: Point, who: ActorRef[Greeter]) -> None: ...


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=30)
    | st.binary(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.text(max_size=9) | st.integers(-9, 9), inner, max_size=5)
    ),
    max_leaves=25,
)
points = st.builds(Point, st.integers(-(2**63), 2**63), st.floats(allow_nan=False))
shapes = st.builds(
    Shape,
    st.text(max_size=9),
    st.lists(points, max_size=4).map(tuple),
    st.none() | st.sampled_from(Colour),
)


@given(value=plain)
def test_plain_values_come_back_and_plain_msgpack_reads_them(codec: Codec, value: Any) -> None:
    body, frames = codec.encode(value)

    assert frames == []
    assert codec.decode(body, Any) == value
    assert msgpack.unpackb(body, strict_map_key=False) == value


@given(
    value=st.dictionaries(st.text(max_size=5), st.lists(shapes | st.builds(Nothing), max_size=3))
)
def test_records_come_back_as_their_hint_says(codec: Codec, value: dict[str, Any]) -> None:
    body, _ = codec.encode(value)

    assert codec.decode(memoryview(body), dict[str, list[Shape | Nothing]]) == value


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        (dt.datetime(2024, 2, 29, 12, 30, tzinfo=dt.UTC), dt.datetime),
        (dt.timedelta(seconds=1.5), dt.timedelta),
        ({1, 2, 3}, set[int]),
        ({(1, 2): "pair"}, dict[tuple[int, int], str]),
        (Colour.BLUE, Colour),
        (np.float32(0.5), float),
        (np.int64(7), int),
        (float("inf"), float),
        (Path("a") / "b c", Path),
        ({Path("/a"): (PurePosixPath("x"), None)}, dict[Path, tuple[PurePosixPath | None, ...]]),
        (None, type(None)),
    ],
)
def test_other_values_come_back(codec: Codec, value: Any, hint: Any) -> None:
    body, _ = codec.encode(value)

    assert codec.decode(body, hint) == value


def test_a_path_is_a_text_to_whoever_does_not_ask_for_a_path(codec: Codec) -> None:
    body, _ = codec.encode([Path("/a/b")])

    assert codec.decode(body, Any) == ["/a/b"]


def test_references_travel_as_addresses_and_take_the_class_of_the_hint(codec: Codec) -> None:
    address = Address("side", "greeter", (2 << 32) | 7, 64)
    sent = Reference(address, None)  # type: ignore[arg-type]  # it leads nowhere
    body, _ = codec.encode({"who": sent})

    extension = msgpack.unpackb(body)["who"]
    assert (extension.code, msgpack.unpackb(extension.data)) == (
        2,
        ["side", "greeter", (2 << 32) | 7, 64, False, 0],
    )
    untyped = codec.decode(body, Any)["who"]
    typed = codec.decode(body, dict[str, ActorRef[Greeter]])["who"]
    assert untyped == typed == sent
    assert (untyped.actor_class, type(typed)) == (None, reference_type(Greeter))


def test_arguments_decode_by_the_hints_of_a_handler(codec: Codec) -> None:
    spec = HandlerSpec(vars(Desk)["place"].spec.function)
    greeter = Reference(Address("leader", "greeter", 1), None)  # type: ignore[arg-type]  # leads nowhere
    given_arguments = spec.bind((Shape("square", ()),), {"at": Point(1, 2.0), "who": greeter})
    body, _ = codec.encode(given_arguments)

    assert codec.decode(body, spec.arguments_type) == given_arguments


@pytest.mark.parametrize(
    "value",
    [
        object(),
        lambda: None,
        2**64,
        -(2**63) - 1,
        "\udc80",
        Path("\udc80"),
        [np.longdouble(1)],
        {"deep": {"inside": object()}},
    ],
    ids=[
        "object",
        "function",
        "too large",
        "too small",
        "surrogate",
        "odd path",
        "longdouble",
        "nested",
    ],
)
def test_what_cannot_travel_is_refused_by_name(codec: Codec, value: Any) -> None:
    with pytest.raises(CodecError, match="value of type"):
        codec.encode(value)


def test_a_value_that_contains_itself_is_refused(codec: Codec) -> None:
    loop: list[Any] = []
    loop.append(loop)

    with pytest.raises(CodecError):
        codec.encode(loop)


def test_a_refused_value_leaves_none_of_its_arrays_for_the_next(codec: Codec) -> None:
    with pytest.raises(CodecError):
        codec.encode([np.zeros(9000), object()])

    assert codec.encode(1) == (b"\x01", [])


@pytest.mark.parametrize(
    ("value", "hint", "says"),
    [
        ("seven", int, "Expected `int`, got `str`"),
        ({"x": 1}, Point, "missing required field `y`"),
        ([1, "two"], list[int], r"\$\[1\]"),
        (3, np.ndarray, "expected ndarray, got int"),
        (3, ActorRef[Greeter], "expected"),
        (3, Path, "expected Path, got int"),
        (msgspec.msgpack.Ext(9, b""), Any, "unknown extension type 9"),
    ],
)
def test_a_body_of_another_type_is_refused_and_says_where(
    codec: Codec, value: Any, hint: Any, says: str
) -> None:
    body = msgspec.msgpack.encode(value)

    with pytest.raises(CodecError, match=says):
        codec.decode(body, hint)


def test_a_hint_that_no_body_can_fit_is_refused_beforehand(codec: Codec) -> None:
    codec.check_hint(tuple[int, Shape, ActorRef[Greeter], np.ndarray])

    with pytest.raises(CodecError, match="type"):
        codec.check_hint(dict[str, int] | dict[int, str])


def test_a_body_beyond_the_limit_is_neither_sent_nor_read(codec: Codec) -> None:
    with pytest.raises(LimitError, match="size of the body"):
        codec.encode(bytes(MAX_BODY_BYTES))
    with pytest.raises(LimitError, match="size of the body"):
        codec.decode(bytes(MAX_BODY_BYTES + 1), Any)


def test_a_message_of_too_many_large_arrays_is_not_sent(
    codec: Codec, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MAX_FRAMES == 4096
    monkeypatch.setattr(codec_module, "MAX_FRAMES", 2)
    large = np.zeros(3000)

    with pytest.raises(LimitError, match="number of large arrays in a message is 3"):
        codec.encode([large, large, large])
    assert len(codec.encode([large, large])[1]) == 2
