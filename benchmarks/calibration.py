"""Calibrations of San Francisco's mode choice: iterations and time until a loss is reached.

The scheduler is the real one, its simulators run in virtual time: an iteration takes about a second
(lognormal), 5 % of the trials crash, 10 % are ten times as slow. Every seed has a target of its own,
made from known constants from which zero constants are at least 60 points away. A level is reached
when a full run's point has a mean loss below it over 8 fresh seeds; what was not reached within 2,000
iterations counts as that, and as the time that they took; the share that was reached stands beside it.
An iteration counts wherever it ran, and whatever became of its trial. All methods run with 1, 4 and 8
workers.

    python benchmarks/calibration.py                      a table
    python benchmarks/calibration.py --json               one flat JSON object, medians, p10 and p90
    python benchmarks/calibration.py --peers hpbandster   beside HpBandSter, in an environment from PyPI

`iters_to_LEVEL_METHOD` is with one worker, `iters_to_LEVEL_METHODN` with N; `timeN_to_LEVEL_METHOD` is in
seconds of virtual time. `idleN_METHOD` is the part of the workers' time in which nothing ran that was
wanted, `worker_idle` that of the default with any number of them. The figures are the same for any number
of `--processes`.
"""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from calibration_city import UNREACHABLE, availability, settled, target, true_loss, truth
from calibration_course import BUDGET, LEVELS, Course, Seen
from calibration_methods import METHODS, ours, unbounded
from calibration_peer import HPBANDSTER, UNAIDED, HpBandSter
from calibration_tables import CREWS, named_of
from measure import Samples, arguments, report, say
from peers import Peer, peers_of

from passel.agents.calibration import Budget, CalibrationSettings, Target
from passel.agents.calibration.floor import floor_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Executor

SEEDS: Final = 20


def search(method: str | Peer, workers: int, seed: int) -> Seen:
    """Run one calibration of a method with so many workers."""
    goal = target(seed)
    if isinstance(method, Peer):
        with HpBandSter(method, goal, seed=seed, workers=workers) as proposer:
            return Course(proposer, None, goal, seed, workers, UNAIDED).run()
    made = METHODS[method](goal, np.random.default_rng(seed))
    return Course(*made, goal, seed, workers).run()


def compare(
    pool: Executor, seeds: range, methods: Sequence[str | Peer]
) -> tuple[Samples, dict[str, float]]:
    """Return figures of every method over all seeds, and which part of them reached each level."""
    under_way = {
        (method if isinstance(method, str) else method.name, workers): pool.map(
            partial(search, method, workers), seeds
        )
        for method in methods
        for workers in CREWS
    }
    samples: Samples = {"worker_idle": [], "misattributed": []}
    shares: dict[str, float] = {}
    for (name, workers), found in under_way.items():
        say(f"{name}, {workers} workers")
        enter(samples, shares, name, workers, list(found))
    for workers in CREWS:
        samples["worker_idle"] += samples[f"idle{workers}_ours"]
    return samples, shares


def enter(
    samples: Samples, shares: dict[str, float], method: str, workers: int, seen: list[Seen]
) -> None:
    """Enter the figures of one method with so many workers."""
    named = named_of(method, workers)
    for level in LEVELS:
        spent = [course.until(level) for course in seen]
        samples[f"iters_to_{level}_{named}"] = [float(iterations) for iterations, _ in spent]
        samples[f"time{workers}_to_{level}_{method}"] = [seconds for _, seconds in spent]
        shares[f"reached_{level}_{named}"] = sum(level in c.reached for c in seen) / len(seen)
    samples[f"idle{workers}_{method}"] = [course.idle for course in seen]
    samples["misattributed"] += [course.misattributed for course in seen]


def recovery(pool: Executor, seeds: range) -> Samples:
    """Return how near known constants are found within 1,000 iterations of one worker.

    `recovery_ratio` is the true loss of the claimed point over the distance between runs of the true
    constants.
    """
    say("known constants")
    keys = ("recovery_loss", "recovery_ratio", "recovery_iterations")
    return dict(zip(keys, map(list, zip(*pool.map(recovered, seeds), strict=True)), strict=True))


def recovered(seed: int) -> tuple[float, float, float]:
    """Return the loss, the ratio and the iterations of one recovery."""
    settings = CalibrationSettings(budget=Budget(iterations=1_000), failures=BUDGET)
    goal = target(seed)
    made = ours(goal, np.random.default_rng(seed))
    course = Course(*made, goal, seed, settings=settings, until_reached=False)
    course.run()
    best = course.scheduler.candidates.claimed
    assert best is not None, "a thousand iterations hold full runs"
    runs = [settled(truth(seed), 2**29 + i) for i in range(16)]
    apart = [Target(values=a).loss(b) for a, b in zip(runs[::2], runs[1::2], strict=True)]
    loss = true_loss(best.point, goal)
    return loss, loss / (sum(apart) / len(apart)), float(course.crew.iterations)


def unreachable(seed: int) -> float:
    """Return the best true loss that the whole budget finds of a target that nobody can reach."""
    made = unbounded(UNREACHABLE, np.random.default_rng(seed))
    course = Course(*made, UNREACHABLE, seed, until_reached=False)
    course.run()
    best = course.scheduler.candidates.best
    assert best is not None, "two thousand iterations hold full runs"
    return true_loss(best.point, UNREACHABLE)


def main() -> None:
    """Measure, report."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--peers", default="", help="of: hpbandster")
    parser.add_argument("--peer-venvs", type=Path, default=None, help="where environments are kept")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="that share the work")
    options = parser.parse_args()
    seeds = range(options.rounds or SEEDS)
    peers = peers_of(options.peers, options.peer_venvs, HPBANDSTER)
    with ProcessPoolExecutor(options.processes, mp_context=get_context("spawn")) as pool:
        samples, facts = compare(pool, seeds, [*METHODS, *peers])
        samples |= recovery(pool, seeds)
        say("a target out of reach")
        samples["unreachable_best"] = list(pool.map(unreachable, seeds[:3]))
    facts["unreachable_floor"] = round(floor_of(UNREACHABLE, availability()).loss, 2)
    facts["recovered"] = float(np.mean([ratio <= 1.5 for ratio in samples["recovery_ratio"]]))
    report(samples, {**facts, "n": len(seeds)}, as_json=options.json)


if __name__ == "__main__":
    main()
