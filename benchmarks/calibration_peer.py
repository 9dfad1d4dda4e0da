"""HpBandSter, the original of BOHB: its process says what to run, the same workers run it.

Its own master, brackets and model choose points and budgets, in an environment of the versions that it
works with, and have as many runs under way as there are workers. Only its Pyro server stays out, since
virtual time has no wire. A budget is iterations that are really run, from the first one on, as it does
not extend runs; it starts none again that has crashed.
"""

from __future__ import annotations

import json
import shlex
import subprocess
from typing import TYPE_CHECKING, Final, Self

import msgspec
from calibration_city import ITERATIONS, SPACE
from calibration_course import SEARCH

from passel.agents.calibration import Proposal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from peers import Peer

    from passel.agents.calibration import Forecast, Target, TrialRecord

HPBANDSTER: Final = {
    "hpbandster": (
        "hpbandster==0.7.4", "numpy==1.26.4", "ConfigSpace==0.7.1", "scipy==1.13.1",
        "statsmodels==0.14.6",
    )
}  # fmt: skip
"""With newer ones it hangs."""

UNAIDED: Final = msgspec.structs.replace(SEARCH, retries=0, straggler=None)
"""The search without what HpBandSter lacks: trials that crash are lost, slow ones are waited for."""


class HpBandSter:
    """Wants what HpBandSter's master wants, which runs in a process of its own.

    Args:
        peer: Its interpreter and driver.
        goal: What losses are measured against.
        seed: What it draws from.
        workers: How many runs it has under way.
    """

    def __init__(self, peer: Peer, goal: Target, *, seed: int, workers: int) -> None:
        numbers = map(str, (seed, workers, len(SPACE), ITERATIONS))
        self._goal = goal
        self._command = [str(peer.python), str(peer.driver), *numbers]
        self._child = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._runs: dict[tuple[float, ...], list[int]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._child.communicate()

    def ask(self, running: Sequence[TrialRecord]) -> Proposal:
        """Return the next run that it wants."""
        del running
        assert self._child.stdout is not None, "stdout is a pipe"
        line = self._child.stdout.readline()
        if not line:
            raise RuntimeError(f"{shlex.join(self._command)} ended with {self._child.wait()}")
        wanted = json.loads(line)
        places = zip(SPACE, wanted["place"], strict=True)
        point = {p.name: p.low + (p.high - p.low) * unit for p, unit in places}
        self._runs[tuple(point.values())] = wanted["run"]
        return Proposal(point=point, iterations=wanted["iterations"])

    def tell(self, record: TrialRecord, forecast: Forecast | None) -> None:
        """Answer with the loss of a run that has ended."""
        del forecast
        if record.state not in {"finished", "failed"}:
            return
        run = self._runs.pop(tuple(record.point.values()))
        loss = self._goal.loss(record.outcomes[-1]) if record.state == "finished" else None
        print(json.dumps([run, loss]), file=self._child.stdin, flush=True)
