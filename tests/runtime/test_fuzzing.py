"""Recorded traffic, damaged: whatever arrives, a node refuses it in words or takes it, and lives.

`tests/corpus/batches` holds multiparts that nodes have sent each other, and hostile ones, each in a
file, in the form that they have on a Unix socket (docs/protocol.md). What ever broke the parser
belongs there too.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from passel.protocols.batch import deal_frames, unpack_batch
from passel.protocols.envelope import Hello
from passel.protocols.errors import ProtocolError
from passel.runtime.transport.framing import FrameReader, header_of
from tests.runtime.crew import Counter
from tests.runtime.crew_flow import Source
from tests.runtime.lossy import LossyNetwork, two_nodes

if TYPE_CHECKING:
    from passel.protocols.arrays import Buffer
    from passel.runtime.node.node import Node

CORPUS = Path(__file__).parents[1] / "corpus" / "batches"
ENTRIES = sorted(CORPUS.glob("*.bin"))
NEAR = b"near/1"


def parts_of(data: bytes) -> list[list[Buffer]]:
    """Return the multiparts that a stream of bytes holds, up to where it breaks the rules."""
    reader = FrameReader()
    found: list[list[Buffer]] = []
    while data:
        space = reader.space()
        count = min(len(space), len(data))
        space[:count], data = data[:count], data[count:]
        try:
            found.extend(reader.take(count))
        except ProtocolError:
            break
    return found


async def spawn_crew(node: Node) -> None:
    """Start the actors that the recorded requests are for; they have the same addresses each time."""
    for actor_class, name in ((Counter, "c"), (Source, "s")):
        await node.start_cell(node.new_cell(actor_class, (), {}, name=name))


async def endure(multiparts: list[list[Buffer]]) -> int:
    """Let a fresh node take multiparts, from a stranger and from a peer, and still answer.

    Returns:
        How many calls of the peer its counter handled.
    """
    async with two_nodes(LossyNetwork(0, loss=1.0, repeat=0.0, delay=0.0)) as (_, far):
        await spawn_crew(far)
        for batch, *frames in multiparts:
            far.receiver.on_batch(b"stranger/1", batch, frames)
            far.receiver.on_batch(NEAR, batch, frames)
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        cell = far.cells["c"]
        ref = far.local_reference(cell, Counter)
        assert isinstance(await ref.add(0), int)
        return cell.handled - 1


def introduction() -> list[list[Buffer]]:
    """Return the multipart that makes the peer known."""
    return parts_of((CORPUS / "hello.bin").read_bytes())


def test_the_corpus_holds_sound_traffic_that_is_taken() -> None:
    sound = [entry for entry in ENTRIES if not entry.name.startswith("hostile")]
    assert len(sound) >= 10
    for entry in sound:
        for batch, *frames in parts_of(entry.read_bytes()):
            messages = unpack_batch(batch)
            deal_frames(messages, frames)
    [[hello]] = introduction()
    assert any(isinstance(message, Hello) for message in unpack_batch(hello))


def test_recorded_requests_reach_the_actor_that_they_were_for() -> None:
    """Else damage to them would not reach much either."""
    ask = parts_of((CORPUS / "ask.bin").read_bytes())
    assert asyncio.run(endure([*introduction(), *ask])) == 1
    assert asyncio.run(endure(ask)) == 0


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.stem)
def test_every_entry_of_the_corpus_is_survived(entry: Path) -> None:
    multiparts = parts_of(entry.read_bytes())
    asyncio.run(endure(multiparts))
    asyncio.run(endure([*introduction(), *multiparts, *multiparts]))


CHANGES = st.lists(
    st.tuples(
        st.sampled_from(("flip", "drop", "add", "copy", "cut")),
        st.integers(0, 10**6),
        st.binary(min_size=1, max_size=6),
    ),
    min_size=1,
    max_size=5,
)


def damaged(data: bytes, changes: list[tuple[str, int, bytes]]) -> bytes:
    """Return data with a few bytes changed, lost, added or repeated."""
    found = bytearray(data)
    for how, number, bits in changes:
        place = number % (len(found) + 1)
        if how == "flip":
            found[place : place + len(bits)] = bits[: len(found) - place]
        elif how == "drop":
            del found[place : place + len(bits)]
        elif how == "add":
            found[place:place] = bits
        elif how == "copy":
            found[place:place] = found[place : place + 16]
        else:
            del found[place:]
    return bytes(found)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(entry=st.sampled_from(ENTRIES), part=st.integers(0, 3), changes=CHANGES)
def test_damaged_traffic_is_survived(
    entry: Path, part: int, changes: list[tuple[str, int, bytes]]
) -> None:
    """The lengths of a multipart stay sound, so that damage reaches what lies behind them."""
    multiparts = parts_of(entry.read_bytes())
    for parts in multiparts:
        index = part % len(parts)
        parts[index] = damaged(bytes(parts[index]), changes)
    asyncio.run(endure([*introduction(), *multiparts]))


@given(entry=st.sampled_from(ENTRIES), changes=CHANGES)
def test_a_damaged_stream_gives_multiparts_or_a_typed_error(
    entry: Path, changes: list[tuple[str, int, bytes]]
) -> None:
    for parts in parts_of(damaged(entry.read_bytes(), changes)):
        assert header_of(parts)
