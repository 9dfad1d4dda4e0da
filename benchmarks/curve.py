"""What encryption costs: the same runtime over plain tcp and over CURVE, in turn, in one run.

Caller and actor live in two processes of one host and talk over loopback. Examples:

    python benchmarks/curve.py           a table
    python benchmarks/curve.py --json    one flat JSON object, medians with p10 and p90
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from functools import partial
from typing import Final

from measure import Samples, arguments, in_flight, percentile, report, say

from passel import ActorRef, Runtime
from runtime import IN_FLIGHT, MIB, Echo, add, latency, tensors

LANES: Final = {"plain_": True, "curve_": False}
"""Whether tcp is plain, by what the keys begin with."""


async def round_of(far: dict[str, ActorRef[Echo]], seconds: float) -> dict[str, float]:
    """Measure both lanes once."""
    found: dict[str, float] = {}
    for lane, ref in far.items():
        times = await latency(ref, seconds)
        found[f"{lane}ask_p50_us"] = percentile(times, 50) * 1e6
        found[f"{lane}asks_per_s"] = await in_flight(partial(ref.echo, 7), seconds, IN_FLIGHT)
        found[f"{lane}tensor_1mib_gbs"] = await tensors(ref, MIB, 100)
    return found


async def measured(rounds: int, seconds: float) -> Samples:
    """Run all rounds and return every round's values."""
    found: Samples = {}
    async with AsyncExitStack() as stack:
        far = {}
        for lane, plain in LANES.items():
            runtime = Runtime(
                name=f"bench-{lane}", transport="tcp", plain_tcp=plain, shared_memory=0
            )
            await stack.enter_async_context(runtime)
            await runtime.start_node("far")
            far[lane] = await runtime.options(node="far").spawn(Echo)
        for number in range(rounds):
            say(f"round {number + 1} of {rounds}")
            add(found, await round_of(far, seconds))
    say("")
    return found


def main() -> None:
    """Run the benchmark."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--seconds", type=float, default=0.7, help="length of one measurement")
    options = parser.parse_args()
    rounds = options.rounds or (15 if options.full else 5)
    found = asyncio.run(measured(rounds, options.seconds))
    report(found, {"n": rounds, "seeds": "none, nothing is drawn"}, as_json=options.json)


if __name__ == "__main__":
    main()
