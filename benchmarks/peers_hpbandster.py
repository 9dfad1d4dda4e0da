"""HpBandSter's driver: its own BOHB and Master; runs go out and results come in by lines.

    python peers_hpbandster.py SEED WORKERS DIMENSIONS ITERATIONS

A line of output is a run that it wants, `{"run": ..., "place": [...], "iterations": n}`, with a place in
the unit cube; it always wants as many as there are workers. A line of input is what came of one, `[run,
loss]`, with null for a loss if it crashed. It ends with its input.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import traceback
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import ConfigSpace
import hpbandster.core.master
import numpy as np
from hpbandster.core.dispatcher import Job
from hpbandster.optimizers import BOHB

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LEAST = 2
"""Iterations of the shortest runs."""


class Lines:
    """Stands where HpBandSter has its dispatcher, which serves workers over Pyro.

    Args:
        new_result_callback: Is called with each job that has ended.
        queue_callback: Is called with the number of workers.
        workers: How many there are.
    """

    def __init__(
        self,
        new_result_callback: Callable[[Job], None],
        *,
        queue_callback: Callable[[int], None],
        workers: int,
        **_: Any,
    ) -> None:
        self._ended = new_result_callback
        self._count = queue_callback
        self._workers = workers
        self._jobs: dict[tuple[int, ...], Job] = {}

    def number_of_workers(self) -> int:
        """Return how many runs may be under way."""
        return self._workers

    def run(self) -> None:
        """Hand results to the master; this is a thread of its own."""
        with ending_the_process():
            self._count(self._workers)
            for line in sys.stdin:
                run, loss = json.loads(line)
                job = self._jobs.pop(tuple(run))
                job.result = None if loss is None else {"loss": loss, "info": None}
                job.exception = "crashed" if loss is None else None
                self._ended(job)

    def submit_job(self, run: tuple[int, ...], **wanted: Any) -> None:
        """Say which run the master wants."""
        self._jobs[run] = Job(run, **wanted)
        config = wanted["config"]
        place = [float(config[name]) for name in sorted(config)]
        line = {"run": run, "place": place, "iterations": round(wanted["budget"])}
        print(json.dumps(line), flush=True)


@contextmanager
def ending_the_process() -> Iterator[None]:
    """End everything with this thread, since the other one would wait for it for ever."""
    try:
        yield
    except BaseException:  # noqa: BLE001  # it is told, and ends the process
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def main() -> None:
    """Run brackets until nobody answers."""
    seed, workers, dimensions, iterations = (int(argument) for argument in sys.argv[1:])
    logging.disable(logging.CRITICAL)
    np.random.seed(seed)  # it draws from the global generator
    space = ConfigSpace.ConfigurationSpace(seed=seed)
    names = [f"x{number:03}" for number in range(dimensions)]  # it sorts them
    space.add_hyperparameters([ConfigSpace.UniformFloatHyperparameter(n, 0.0, 1.0) for n in names])
    hpbandster.core.master.Dispatcher = partial(Lines, workers=workers)
    with ending_the_process():
        master = BOHB(space, eta=3, min_budget=LEAST, max_budget=iterations, run_id="0")
        master.run(n_iterations=sys.maxsize)


if __name__ == "__main__":
    main()
