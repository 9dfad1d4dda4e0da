"""CUDA tensors between two processes of one host, beside the card's own copies as floors.

Each sample is one ask whose handler reads the last item, so it ends when the bytes are there; what
comes back is checked. The ways, and what their figures hold:

    cards    through a slot on the card (a copy within the card, nothing through the host)
    shared   the same for a tensor that was shared before: nothing is copied
    staged   copied by the card into pinned memory, and onto the card again where it arrives
    host     copied by the card into pinned memory, for a process that sees no card
    plain    copied to the host with `.cpu()` before it is sent; stays there where it arrives
    floor_*  one copy within the card, to pinned memory, and back

    python benchmarks/cuda.py            a table
    python benchmarks/cuda.py --json     one flat JSON object, medians with p10 and p90
    python benchmarks/cuda.py --rounds 1 quicker, wider spread

It needs a CUDA device, and takes two minutes or so.
"""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import torch
from measure import Samples, arguments, report, say

from passel import Actor, ActorRef, Runtime, handler

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

KIB, MIB = 1 << 10, 1 << 20
SIZES: Final = {"4kib": 4 * KIB, "1mib": MIB, "64mib": 64 * MIB, "512mib": 512 * MIB}
COUNTS: Final = {"4kib": 200, "1mib": 100, "64mib": 20, "512mib": 6}
"""Samples of each size in a round."""

WARM: Final = 3


class Reader(Actor):
    """Reads the end of tensors."""

    @handler
    async def last(self, tensor: torch.Tensor) -> float:
        """Return the last item of a tensor of shape (n,), wherever it lies."""
        return float(tensor[-1])

    @handler
    async def device(self, tensor: torch.Tensor) -> str:
        """Return where a tensor arrived."""
        return str(tensor.device)


@contextmanager
def seeing_no_card() -> Iterator[None]:
    """Let processes that are started now see no card; this one has settled on its own."""
    before = os.environ.get("CUDA_VISIBLE_DEVICES")
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    try:
        yield
    finally:
        del os.environ["CUDA_VISIBLE_DEVICES"]
        if before is not None:
            os.environ["CUDA_VISIBLE_DEVICES"] = before


async def asks(
    ask: Callable[[torch.Tensor], Awaitable[float]], tensor: torch.Tensor, count: int
) -> list[float]:
    """Return seconds of each ask; the tensor is another one each time."""
    times: list[float] = []
    for index in range(WARM + count):
        tensor.fill_(index)
        torch.cuda.synchronize()
        start = time.perf_counter()
        found = await ask(tensor)
        times.append(time.perf_counter() - start)
        if found != index:
            raise RuntimeError(f"sent {index}, read {found}")
    return times[WARM:]


def floors(tensor: torch.Tensor, pinned: torch.Tensor, count: int) -> dict[str, list[float]]:
    """Return seconds of each copy within the card, to pinned memory, and back."""
    other = torch.empty_like(tensor)
    found: dict[str, list[float]] = {}
    for name, into, source in (
        ("floor_d2d", other, tensor),
        ("floor_d2h", pinned, tensor),
        ("floor_h2d", other, pinned),
    ):
        times = found[name] = []
        for _ in range(WARM + count):
            torch.cuda.synchronize()
            start = time.perf_counter()
            into.copy_(source, non_blocking=True)
            torch.cuda.synchronize()
            times.append(time.perf_counter() - start)
        del times[:WARM]
    return found


def note(samples: Samples, way: str, size: str, times: list[float]) -> None:
    """Keep the samples of a way: microseconds, and GB/s."""
    samples.setdefault(f"{way}_{size}_us", []).extend(t * 1e6 for t in times)
    samples.setdefault(f"{way}_{size}_gbs", []).extend(SIZES[size] / t / 1e9 for t in times)


async def shared_ask(runtime: Runtime, reader: ActorRef[Reader], size: str) -> list[float]:
    """Return seconds of asks with a tensor that is shared once."""
    shared = await runtime.share(torch.ones(SIZES[size] // 4, device="cuda:0"))
    times: list[float] = []
    for _ in range(WARM + COUNTS[size]):
        torch.cuda.synchronize()
        start = time.perf_counter()
        await reader.last(shared)
        times.append(time.perf_counter() - start)
    return times[WARM:]


async def one_round(
    samples: Samples, runtime: Runtime, near: ActorRef[Reader], ways: dict[str, Any]
) -> None:
    """Measure every way and size, by turns."""
    for size, count in COUNTS.items():
        tensor = torch.empty(SIZES[size] // 4, device="cuda:0")
        pinned = torch.empty(SIZES[size] // 4, pin_memory=True)
        for way, ask in ways.items():
            say(f"{way}, {size}")
            note(samples, way, size, await asks(ask, tensor, count))
        note(samples, "shared", size, await shared_ask(runtime, near, size))
        for way, times in floors(tensor, pinned, count).items():
            note(samples, way, size, times)


async def measured(rounds: int) -> tuple[Samples, dict[str, Any]]:
    """Return all samples, and what is to be known of them."""
    torch.ones(1, device="cuda:0")
    facts: dict[str, Any] = {
        "card": torch.cuda.get_device_name(0),
        "cards": torch.cuda.device_count(),
        "torch": torch.__version__,
        "shared_memory_bytes": os.statvfs("/dev/shm").f_blocks * os.statvfs("/dev/shm").f_frsize,
        "rounds": rounds,
        **{f"n_{size}": count * rounds for size, count in COUNTS.items()},
    }
    samples: Samples = {}
    async with Runtime(name="cards") as one, Runtime(name="copies", card_memory=0) as two:
        await one.start_node("near")
        await two.start_node("near")
        with seeing_no_card():
            await two.start_node("blind")
        near = await one.options(node="near").spawn(Reader)
        staged = await two.options(node="near").spawn(Reader)
        blind = await two.options(node="blind").spawn(Reader)
        small = torch.ones(16, device="cuda:0")
        for name, reader in (("cards", near), ("staged", staged), ("host", blind)):
            for _ in range(WARM):
                facts[f"{name}_arrives_on"] = await reader.device(small)
        ways: dict[str, Any] = {
            "cards": near.last,
            "staged": staged.last,
            "host": blind.last,
            "plain": lambda tensor: blind.last(tensor.cpu()),
        }
        for _ in range(rounds):
            await one_round(samples, one, near, ways)
        for name, runtime in (("cards", one), ("copies", two)):
            leader = (await runtime.statistics())[0]
            facts[f"{name}_card_fallbacks"] = leader.card_memory.fallbacks
            facts[f"{name}_memory_fallbacks"] = leader.shared_memory.fallbacks
    return samples, facts


def main() -> None:
    """Measure, and report."""
    parser = arguments(__doc__ or "")
    given = parser.parse_args()
    if not torch.cuda.is_available():
        parser.exit(2, "no CUDA device here\n")
    samples, facts = asyncio.run(measured(given.rounds or (5 if given.full else 3)))
    report(samples, facts, as_json=given.json)


if __name__ == "__main__":
    main()
