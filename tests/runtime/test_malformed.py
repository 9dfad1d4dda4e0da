"""Bytes that no peer of ours would send: the node lives on and counts them."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import msgspec
import pytest

from passel.protocols.batch import pack_batch
from passel.protocols.envelope import (
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
    Open,
    Reply,
    Settled,
    Taken,
    Tell,
)
from tests.runtime.crew import Counter
from tests.runtime.test_joining import ask, gathering, refused, until_refused

if TYPE_CHECKING:
    from passel import Runtime

pytestmark = pytest.mark.process

KINDS = (
    Ask, Tell, Open, Reply, Failure, Item, End, Cancel, Demand, Credit, Closed, Goodbye, Hello, Mark,
    Settled, Taken,
)  # fmt: skip


def random_bytes(source: random.Random) -> bytes:
    """Return up to a few hundred random bytes."""
    return source.randbytes(source.choice((0, 1, 2, 7, 40, 300)))


def random_value(source: random.Random, depth: int = 3) -> object:
    """Return any value that MessagePack has."""
    return source.choice(
        [
            None,
            source.random() < 0.5,
            source.choice((0, -1, 1, 2**31, 2**63 - 1, -(2**63), 2**64 - 1)),
            source.choice((0.0, -1.0, float("nan"), float("inf"), 1e308)),
            source.choice(("", "c", "@node", "@directory", "add", "spawn", "nobody", "\x00" * 9)),
            random_bytes(source),
            [] if depth == 0 else [random_value(source, depth - 1) for _ in range(3)],
            {} if depth == 0 else {"k": random_value(source, depth - 1)},
            msgspec.msgpack.Ext(source.choice((1, 2, 5)), random_bytes(source)),
        ]
    )


def deep(source: random.Random) -> bytes:
    """Return lists inside lists inside lists."""
    return source.choice((b"\x91", b"\xdc\x00\x01", b"\x81\xa0")) * source.choice(
        (64, 5_000, 100_000)
    )


def with_odd_fields(source: random.Random) -> bytes:
    """Return a batch with a message of the right shape, but with values of any kind."""
    kind = source.choice(KINDS)
    fields = [random_value(source) for _ in kind.__struct_fields__]
    mark = [Mark.__struct_config__.tag, 0, 0]
    return msgspec.msgpack.encode([mark, [kind.__struct_config__.tag, *fields]])


def with_odd_numbers(source: random.Random, sound: Ask) -> bytes:
    """Return a batch with a sound ask of which a few fields have another value of their type."""
    odd = {
        "id": source.choice((0, -1, 2**63 - 1)),
        "target": source.choice(("nobody", "", "@node", "@directory", "c#1")),
        "incarnation": source.choice((0, -1, 2**40)),
        "method": source.choice(("", "nothing", "spawn", "__init__", "context")),
        "deadline": source.choice((0.0, -5.0, float("nan"), float("inf"), 1e300)),
        "sequence": -9,
        "sent": float("nan"),
        "chain": "leader/c " * 50,
        "trace": b"x" * 99,
        "frames": source.choice((1, -1, 2**40)),
        "body": msgspec.Raw(
            source.choice((b"\xc1", b"\x92\x01", b"", b"\x93\x01\x02\x03")) or b"\xc0"
        ),
    }
    changes = {name: odd[name] for name in source.sample(sorted(odd), 3)}
    return pack_batch([Mark(0, 0), msgspec.structs.replace(sound, **changes)])


def mutated(source: random.Random, sound: bytes) -> bytes:
    """Return a sound batch with a few bytes changed, lost or added."""
    data = bytearray(sound)
    for _ in range(source.randint(1, 4)):
        place = source.randrange(len(data))
        how = source.randrange(3)
        if how == 0:
            data[place] = source.randrange(256)
        elif how == 1:
            del data[place]
        else:
            data.insert(place, source.randrange(256))
    return bytes(data)


def malformed(source: random.Random, runtime: Runtime) -> list[bytes]:
    """Return the parts of one hostile multipart."""
    sound = ask(runtime, source.randrange(1 << 20))
    batch = source.choice(
        (
            random_bytes,
            deep,
            with_odd_fields,
            lambda s: with_odd_numbers(s, sound),
            lambda s: mutated(s, pack_batch([Mark(0, 0), sound])),
            lambda _: b"\xdd\xff\xff\xff\xff",
            lambda s: b"\xdc" + s.randbytes(2) + b"\x91" * 20,
        )
    )(source)
    return [batch, *(random_bytes(source) for _ in range(source.choice((0, 0, 0, 1, 5))))]


@pytest.mark.parametrize("introduced", [False, True])
async def test_a_thousand_malformed_frames_leave_the_node_as_it_was(
    capsys: pytest.CaptureFixture[str], *, introduced: bool
) -> None:
    source = random.Random(20_240_501 + introduced)
    async with gathering() as (runtime, peer, cookie):
        ref = await runtime.lookup("c", Counter)
        sent = 0
        if introduced:
            peer.send(peer.hello(cookie))
            await peer.receive()
        for turn in range(1000):
            peer.send_raw(*malformed(source, runtime))
            sent += 1
            if turn % 100 == 0:
                await ref.add(0)
        peer.send(peer.hello(cookie, version=99))
        expected = sent + 1 if not introduced else 300
        await until_refused(runtime, expected)
        assert isinstance(await ref.add(1), int)
        assert await refused(runtime) >= expected
        fresh = await runtime.spawn(Counter)
        assert await fresh.add(1) == 1
    logged = capsys.readouterr().out
    assert "message refused" in logged
    assert "batch failed" not in logged, "each is refused with a reason, none by accident"
