"""What a process that runs seeds does: `python -m passel.runtime.simulation.worker < ORDER`."""

from __future__ import annotations

import gc
import os
import signal
import sys
from typing import Any, Final

import msgspec

from .experiment import experiment_of
from .run import simulate

_COLLECT_EVERY: Final = 10
"""Runs after which what they left is collected."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What a process is to run.

    Attributes:
        source: The topology file.
        overrides: Values by dotted path.
        kinds: What may go wrong.
        seeds: The seeds, in order.
        import_path: Where modules are sought.
    """

    source: str
    overrides: dict[str, Any]
    kinds: list[str]
    seeds: list[int]
    import_path: list[str]


def main() -> None:
    """Read an order from standard input; write each run as a line of JSON."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # its parent ends it
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    sys.path[:] = order.import_path
    results = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what actors print is no result
    experiment = experiment_of(order.source, order.overrides, kinds=order.kinds)
    gc.disable()  # it would look at a whole world, and find what is collected here anyway
    gc.collect()
    gc.freeze()  # what is there now stays: later collections need not look at it
    for index, seed in enumerate(order.seeds):
        results.write(msgspec.json.encode(simulate(experiment, seed)) + b"\n")
        results.flush()
        if index % _COLLECT_EVERY == 0:
            gc.collect()


if __name__ == "__main__":
    main()
