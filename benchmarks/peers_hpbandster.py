"""HpBandSter's driver: prints where it wants to look, reads the loss there; ends with its input.

python peers_hpbandster.py SEED DIMENSIONS ITERATIONS
"""

from __future__ import annotations

import json
import logging
import sys

import ConfigSpace
import numpy as np
from hpbandster.core.base_iteration import Datum  # noqa: F401  # fails early where it is missing
from hpbandster.core.dispatcher import Job
from hpbandster.optimizers.config_generators.bohb import BOHB
from hpbandster.optimizers.iterations import SuccessiveHalving

LEAST = 2.0
ETA = 3


def main() -> None:
    """Run brackets until nobody answers."""
    seed, dimensions, most = (int(argument) for argument in sys.argv[1:])
    logging.disable(logging.CRITICAL)
    np.random.seed(seed)  # it draws from the global generator
    space = ConfigSpace.ConfigurationSpace(seed=seed)
    names = [f"x{i}" for i in range(dimensions)]
    space.add_hyperparameters([ConfigSpace.UniformFloatHyperparameter(n, 0.0, 1.0) for n in names])
    generator = BOHB(space)
    rungs = int(np.floor(np.log(most / LEAST) / np.log(ETA))) + 1
    budgets = most * float(ETA) ** -np.linspace(rungs - 1, 0, rungs)
    number = 0
    while True:
        s = rungs - 1 - number % rungs
        first = int(np.floor(rungs / (s + 1) * ETA**s))
        counts = [max(int(first * float(ETA) ** -i), 1) for i in range(s + 1)]
        bracket = SuccessiveHalving(
            HPB_iter=number,
            num_configs=counts,
            budgets=budgets[-s - 1 :],
            config_sampler=generator.get_config,
        )
        while not bracket.is_finished:
            wanted = bracket.get_next_run()
            if wanted is None:
                bracket.process_results()
                continue
            identity, config, budget = wanted
            job = Job(identity, config=config, budget=budget, working_directory=".")
            place = [float(config[name]) for name in names]
            print(json.dumps({"place": place, "iterations": round(budget)}), flush=True)
            line = sys.stdin.readline()
            if not line:
                return
            loss = json.loads(line)
            job.timestamps = {"submitted": 0, "started": 0, "finished": 0}
            job.result = None if loss is None else {"loss": loss, "info": None}
            job.exception = "crashed" if loss is None else None
            bracket.register_result(job)
            generator.new_result(job)
            bracket.process_results()
        number += 1


if __name__ == "__main__":
    main()
