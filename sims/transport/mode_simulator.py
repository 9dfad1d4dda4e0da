"""What simulators of the eight modes have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...actors.simulator import Simulator
from ...actors.simulator.numbers import check_numbers
from ...protocols.trial import SimulatorSpec
from ..choice.simulator import checked
from .modes import INTERCEPTS, MODES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...protocols.trial import Availability, Trial


class ModeSimulator(Simulator):
    """Takes the constants of the eight modes, and shows their shares; `simulate` is to be implemented.

    Args:
        what: What it simulates, for people.
        fixed: Constants that trials do not give, and their values.
        iterations: After how many iterations shares count as settled.
        slots: How many trials it runs at a time.

    Raises:
        UnknownConstantError: A fixed parameter is none of the eight.
        InvalidSimulatorError: There are no slots.
    """

    def __init__(
        self, what: str, *, fixed: Mapping[str, float] | None, iterations: int, slots: int
    ) -> None:
        super().__init__()
        check_numbers(what, slots=slots, iterations=iterations, timeout=None)
        self._what = what
        self._fixed = checked(fixed or {}, INTERCEPTS)
        self._iterations = iterations
        self._wanted_slots = slots
        self._availability: tuple[Availability, ...] = ()

    def spec(self) -> SimulatorSpec:
        """Return names of constants and modes, and exactly who can choose what."""
        return SimulatorSpec(
            name=self._what,
            parameters=tuple(name for name in INTERCEPTS if name not in self._fixed),
            outcomes=MODES,
            iterations=self._iterations,
            slots=self._wanted_slots,
            availability=self._availability,
        )

    def _intercepts(self, trial: Trial) -> list[float]:
        """Return the constants of a trial, in the order of the modes."""
        parameters = {**self._fixed, **trial.parameters}
        return [parameters[name] for name in INTERCEPTS]
