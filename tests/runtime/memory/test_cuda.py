"""CUDA tensors between processes: through slots on the card, and copied by it into host memory."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
import torch

from passel.protocols.errors import SharedMemoryError
from tests.runtime.memory.crew_cuda import Reader
from tests.runtime.worlds import open_runtime, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from passel import ActorRef, Runtime
    from passel.protocols.control import MemoryStatistics

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.timeout(240),  # the first use of a card in a process takes seconds
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]

MIB = 1 << 20
CARDS, COPIES = "cards", "copies"
WAYS: dict[str, dict[str, Any]] = {
    CARDS: {},
    COPIES: {"card_memory": 0},
    "frames": {"card_memory": 0, "shared_memory": 0},
    "tcp": {"transport": "tcp", "plain_tcp": True, "shared_memory": 0},
}
"""Options of the runtime by the way that tensors take in it."""


def on_cards(runtime: Runtime) -> MemoryStatistics:
    """Return what the leader lends on cards."""
    found = runtime._leader.node.cards
    assert found is not None
    return found.statistics


def in_memory(runtime: Runtime) -> MemoryStatistics:
    """Return what the leader lends in shared memory."""
    found = runtime._leader.node.memory
    assert found is not None
    return found.statistics


async def settled(runtime: Runtime) -> None:
    """Return once nothing that the leader lends is in use."""
    await until(lambda: on_cards(runtime).slots_used + in_memory(runtime).slots_used == 0)


@asynccontextmanager
async def opened(
    way: str = CARDS, **options: Any
) -> AsyncIterator[tuple[Runtime, ActorRef[Reader]]]:
    """Start a runtime whose node `side` has agreed with the leader on how tensors travel."""
    async with open_runtime(**WAYS[way], **options) as runtime:
        await runtime.start_node("side")
        reader = await runtime.options(node="side").spawn(Reader)
        await agreed(runtime, reader, way)
        yield runtime, reader


async def agreed(runtime: Runtime, reader: ActorRef[Reader], way: str) -> None:
    """Send tensors until they take the way that they are to take."""
    await reader.total(torch.ones(1, device="cuda:0"))
    await reader.echo(torch.ones(1, device="cuda:0"))
    if way == CARDS:
        async with asyncio.timeout(60.0):
            while on_cards(runtime).slots_used == 0:
                await reader.drop()
                await reader.keep(torch.ones(1, device="cuda:0"))
        await reader.drop()
        await until(lambda: on_cards(runtime).slots_used == 0)


def hold_cards() -> None:
    """Let torch settle which cards this process has, whatever the environment says afterwards."""
    torch.ones(1, device="cuda:0")
    assert torch.cuda.device_count()


def tensors() -> dict[str, torch.Tensor]:
    """Return tensors of all kinds on the first card."""
    torch.manual_seed(7)
    at: Any = {"device": "cuda:0"}
    base = torch.randn(64, 48, 32, **at)
    return {
        "float32": base,
        "float64": base.double(),
        "float16": base.half(),
        "bfloat16": base.bfloat16(),
        "int64": torch.arange(100_000, **at),
        "int8": torch.arange(-100, 100, dtype=torch.int8, **at),
        "bool": base > 0,
        "complex64": torch.complex(base, -base),
        "conjugate": torch.complex(base, -base).conj(),
        "float8": base.to(torch.float8_e4m3fn),
        "transposed": base.transpose(0, 2),
        "strided": base[::2, 3:, ::5],
        "broadcast": torch.ones(1, 5, **at).expand(7, 5),
        "part": base[5:9],
        "odd": torch.arange(7, dtype=torch.uint8, **at)[3:],
        "one": torch.tensor(3.5, **at),
        "empty": torch.empty(0, 5, **at),
        "gradient": torch.ones(10, requires_grad=True, **at),
    }


@pytest.mark.parametrize("way", list(WAYS))
async def test_tensors_of_all_kinds_come_back_bit_by_bit_on_their_card(way: str) -> None:
    async with opened(way) as (_, reader):
        for name, tensor in tensors().items():
            back = await reader.echo(tensor)
            assert back.device == tensor.device, name
            assert back.dtype == tensor.dtype, name
            assert back.shape == tensor.shape, name
            assert not back.requires_grad, name
            one, other = (t.detach().resolve_conj().contiguous().cpu() for t in (tensor, back))
            assert torch.equal(one.view(-1).view(torch.uint8), other.view(-1).view(torch.uint8)), (
                name
            )


async def test_tensors_travel_through_slots_on_the_card_both_ways() -> None:
    async with opened() as (runtime, reader):
        tensor = torch.ones(4 * MIB, device="cuda:0")
        assert await reader.where(tensor) == "cuda:0"
        before = in_memory(runtime).slots
        await reader.keep(tensor)
        assert on_cards(runtime).slots_used == 1
        assert on_cards(runtime).bytes_used >= tensor.nbytes
        await reader.echo(tensor)
        back = await reader.echo(tensor)
        theirs = {entry.node: entry for entry in await runtime.statistics()}["side"]
        assert theirs.card_memory.slots_used >= 1
        assert theirs.card_memory.fallbacks == 0
        assert back.sum() == 4 * MIB
        assert in_memory(runtime).slots == before  # none of it went through the host's memory
        del back
        await reader.drop()
        await settled(runtime)


async def test_copies_go_straight_into_shared_memory() -> None:
    async with opened(COPIES) as (runtime, reader):
        await reader.keep(
            torch.ones(MIB, device="cuda:0")
        )  # arrives on the card: a copy of the slot
        assert on_cards(runtime).slots == 0
        assert in_memory(runtime).fallbacks == 0
        assert in_memory(runtime).slots > 0
        assert await reader.totals() == [float(MIB)]
        await settled(runtime)


@pytest.mark.parametrize("way", list(WAYS))
@pytest.mark.parametrize("length", [10, 16 * MIB, 80 * MIB])
async def test_what_is_written_after_sending_is_not_what_arrives(way: str, length: int) -> None:
    async with opened(way) as (_, reader):
        tensor = torch.full((length,), 2.0, device="cuda:0")
        for value in range(3):
            tensor.fill_(value)
            await reader.keep.tell(tensor)
            tensor.fill_(-5.0)
        del tensor
        torch.cuda.empty_cache()
        assert await reader.totals() == [float(length * value) for value in range(3)]


@pytest.mark.parametrize("way", list(WAYS))
async def test_what_is_queued_before_sending_arrives(way: str) -> None:
    async with opened(way) as (_, reader):
        tensor = torch.zeros(MIB, device="cuda:0")
        asking = []
        for _ in range(5):
            for _ in range(200):
                tensor += 1.0  # the card is still at it when the tensor is sent
            asking.append(asyncio.ensure_future(reader.total(tensor)))
            await asyncio.sleep(0)
        assert await asyncio.gather(*asking) == [200.0 * MIB * (n + 1) for n in range(5)]


async def test_messages_keep_their_order_whatever_they_carry() -> None:
    async with opened(COPIES) as (_, reader):
        for index in range(60):
            length = (1, 30_000, 8 * MIB)[index % 3]
            tensor = torch.full((length,), float(index), device="cuda:0" if index % 2 else "cpu")
            await reader.keep.tell(tensor[:1] if index % 5 else tensor)
        totals = await reader.totals()
        means = [
            total / ((1, 30_000, 8 * MIB)[index % 3] if not index % 5 else 1)
            for index, total in enumerate(totals)
        ]
        assert means == [float(index) for index in range(60)]


@pytest.mark.parametrize("way", [CARDS, COPIES])
async def test_the_items_of_a_stream_arrive_as_they_were_when_they_were_sent(way: str) -> None:
    async with opened(way) as (_, reader):
        means = [float(item.mean()) async for item in reader.stream(20, MIB)]
        assert means == [float(index) for index in range(20)]


async def test_a_slot_is_not_written_to_while_the_card_still_reads_it() -> None:
    async with opened() as (runtime, reader):
        tensor = torch.empty(8 * MIB, device="cuda:0")
        for _ in range(3):  # slots are used again
            asking = []
            for value in range(8):
                tensor.fill_(value)
                asking.append(asyncio.ensure_future(reader.busy_with(tensor, 50)))
                await asyncio.sleep(0)
            for value, out in enumerate(await asyncio.gather(*asking)):
                assert bool((out == 50.0 * value).all())
            del out, asking
        await settled(runtime)


async def test_a_killed_reader_frees_what_it_kept_on_the_card() -> None:
    async with opened() as (runtime, reader):
        for _ in range(3):
            await reader.keep(torch.ones(MIB, device="cuda:0"))
        assert on_cards(runtime).slots_used == 3
        os.kill(runtime.pid_of("side"), signal.SIGKILL)
        await settled(runtime)
        tensor = torch.ones(MIB, device="cuda:0")  # the card is none the worse for it
        assert float(tensor.sum()) == MIB


async def test_a_shared_tensor_lies_once_on_the_card_for_many_readers() -> None:
    async with opened() as (runtime, one):
        await runtime.start_node("other")
        two = await runtime.options(node="other").spawn(Reader)
        near = await runtime.spawn(Reader)
        await agreed(runtime, two, CARDS)
        source = torch.arange(float(4 * MIB), device="cuda:0")
        shared = await runtime.share(source)
        assert torch.equal(shared, source)
        assert shared.device == source.device
        source.fill_(0.0)
        for reader in (one, two, near):
            for _ in range(3):
                await reader.keep(shared)
            assert await reader.total(shared[10:20]) == float(sum(range(10, 20)))
        assert on_cards(runtime).slots_used == 1
        del shared
        await near.drop()
        await one.drop()
        assert on_cards(runtime).slots_used == 1
        os.kill(runtime.pid_of("other"), signal.SIGKILL)
        await settled(runtime)


async def test_without_room_on_the_card_tensors_are_copied_and_sharing_says_so() -> None:
    async with opened(card_memory=4 * MIB) as (runtime, reader):
        large = torch.ones(2 * MIB, device="cuda:0")  # 8 MiB
        assert await reader.total(large) == 2 * MIB
        assert on_cards(runtime).fallbacks == 1
        with pytest.raises(SharedMemoryError, match="on its card"):
            await runtime.share(large)


async def test_a_process_without_a_card_gets_tensors_in_its_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with open_runtime() as runtime:
        hold_cards()
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
        await runtime.start_node("side")
        reader = await runtime.options(node="side").spawn(Reader)
        for length in (3, MIB):
            tensor = torch.ones(length, device="cuda:0")
            assert await reader.where(tensor) == "cpu"
            assert await reader.total(tensor) == length
        assert on_cards(runtime).slots_used == 0


async def test_actors_of_one_node_use_cards_when_messages_are_isolated() -> None:
    async with open_runtime(isolate=True) as runtime:
        reader = await runtime.spawn(Reader)
        await reader.totals()  # now the node has said hello to itself
        tensor = torch.ones(MIB, device="cuda:0")
        await reader.keep(tensor)
        tensor.zero_()
        assert on_cards(runtime).slots_used == 1
        assert await reader.totals() == [float(MIB)]
        await reader.drop()
        await settled(runtime)


needs_two = pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two CUDA devices")


@needs_two
@pytest.mark.parametrize("way", [CARDS, COPIES])
async def test_a_second_card_is_agreed_on_for_itself(way: str) -> None:
    async with opened(way) as (_, reader):
        for _ in range(3):
            for number in (0, 1):
                tensor = torch.full((MIB,), float(number), device=f"cuda:{number}")
                assert await reader.where(tensor) == f"cuda:{number}"
                back = await reader.echo(tensor)
                assert back.device == tensor.device
                assert torch.equal(back, tensor)


@needs_two
async def test_a_process_that_sees_another_card_gets_a_copy_on_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with open_runtime() as runtime:
        hold_cards()
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
        await runtime.start_node("side")
        reader = await runtime.options(node="side").spawn(Reader)
        assert await reader.cards() == 1
        first, second = (torch.full((MIB,), 2.0, device=f"cuda:{n}") for n in (0, 1))
        for _ in range(3):  # the second card is the reader's first: a slot there; the first a copy
            for tensor in (first, second):
                assert await reader.where(tensor) == "cuda:0"
                assert await reader.total(tensor) == 2.0 * MIB
                assert (await reader.echo(tensor)).cpu().sum() == 2.0 * MIB
