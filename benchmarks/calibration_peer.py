"""HpBandSter, the original of BOHB, on the same simulator: its process asks, this one runs.

Its own model and its own successive halving choose points and budgets, in an environment of the
versions that it works with; a budget is iterations really run, from the first one on, as it does not
extend runs. Its Pyro server is left out: with one worker there is nothing to be served.
"""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any, Final
from zlib import crc32

from calibration_city import ITERATIONS, SPACE, Workers, target, true_loss
from measure import say

from passel.agents.calibration.rehearsal import Crashed
from passel.agents.calibration.scheduling import SimulatorId
from passel.protocols.trial import Trial, TrialId

if TYPE_CHECKING:
    from collections.abc import Mapping

    from measure import Samples
    from peers import Peer

HPBANDSTER: Final = {
    "hpbandster": (
        "hpbandster==0.7.4", "numpy==1.26.4", "ConfigSpace==0.7.1", "scipy==1.13.1",
        "statsmodels==0.14.6",
    )
}  # fmt: skip
"""With newer ones it hangs."""

_LUCK: Final = 4.0


def hpbandster(
    peer: Peer, seeds: range, levels: Mapping[int, float], budget: int
) -> tuple[Samples, dict[str, float]]:
    """Return iterations until each level with one worker, and which part of the seeds got there."""
    samples: Samples = {f"iters_to_{name}_{peer.name}": [] for name in levels}
    shares: dict[str, float] = {}
    for seed in seeds:
        say(f"{peer.name}, seed {seed}")
        reached = _course(peer, seed, levels, budget)
        for name in levels:
            samples[f"iters_to_{name}_{peer.name}"].append(float(reached.get(name, budget)))
    for name in levels:
        got = [spent < budget for spent in samples[f"iters_to_{name}_{peer.name}"]]
        shares[f"reached_{name}_{peer.name}"] = sum(got) / len(got)
    return samples, shares


def _course(peer: Peer, seed: int, levels: Mapping[int, float], budget: int) -> dict[int, int]:
    """Return after how many iterations each level was reached."""
    goal, crew, reached = target(seed), Workers(seed), dict[int, int]()
    command = [str(peer.python), str(peer.driver), str(seed), str(len(SPACE)), str(ITERATIONS)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdin is not None, "stdin is a pipe"
        assert child.stdout is not None, "stdout is a pipe"
        number = 0
        while crew.iterations < budget and len(reached) < len(levels):
            wanted: dict[str, Any] = json.loads(child.stdout.readline())
            number += 1
            point = {
                p.name: p.low + (p.high - p.low) * unit
                for p, unit in zip(SPACE, wanted["place"], strict=True)
            }
            loss = _loss(crew, point, wanted["iterations"], f"h{seed}-{number}", goal.loss)
            print(json.dumps(loss), file=child.stdin, flush=True)
            missing = [name for name in levels if name not in reached]
            if loss is None or wanted["iterations"] < ITERATIONS:
                continue
            if loss < max(levels[name] for name in missing) + _LUCK:
                true = true_loss(point, goal)
                reached |= {n: crew.iterations for n in missing if true < levels[n]}
        child.stdin.close()
        child.stdout.read()  # what it wanted next
    return reached


def _loss(crew: Workers, point: dict[str, float], count: int, name: str, loss: Any) -> float | None:
    """Return the loss after some iterations; None if the run crashed."""
    trial = Trial(
        id=TrialId(name), parameters=point, iterations=count, seed=crc32(name.encode()) >> 1
    )
    steps = crew.simulate(SimulatorId("worker"), trial)
    found = None
    for _ in range(count):
        step = next(steps)
        if isinstance(step, Crashed):
            return None
        found = loss(step.outcome)
    return found
