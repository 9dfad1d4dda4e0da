"""A choice model as a simulator: shares as expected, without any noise."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping  # noqa: TC003  # hints are read at run time
from pathlib import Path

from ...actors.simulator import Observation, Simulator
from ...actors.simulator.numbers import check_numbers
from ...protocols.trial import SimulatorSpec, Trial
from .errors import UnknownConstantError
from .patterns import patterns
from .table import ChoiceTable


class ChoiceSimulator(Simulator):
    """The multinomial logit model of a table; its parameters are the constants of the alternatives.

    Parameters are named `<alternative>_intercept`, and the outcome is the expected share of each
    alternative. It has no sampling error, so `sample` is 0, and is settled after one iteration; each
    further one shows the same. Of constants only differences matter: `fixed` holds one of them, and
    then the shares that people were observed to choose have one answer, the constants of maximum
    likelihood for the table's utilities (Train 2009, section 3.7.1).

    A calibration needs a `Parameter(name="bus_intercept", constant_of="bus")` for each constant that
    is not fixed, and a target of shares.

    Args:
        table: People, alternatives, and utilities without constants; or the path of a file that
            `ChoiceTable.save` has written, which a simulator in another process needs if the table
            is large.
        fixed: Parameters that trials do not give, and their values, as `{"car_intercept": 0.0}`.
        slots: How many trials it runs at a time.

    Raises:
        UnknownConstantError: A fixed parameter belongs to no alternative.
        InvalidSimulatorError: There are no slots.
    """

    def __init__(
        self,
        *,
        table: ChoiceTable | str,
        fixed: Mapping[str, float] | None = None,
        slots: int = 1,
    ) -> None:
        super().__init__()
        check_numbers("multinomial logit", slots=slots, iterations=1, timeout=None)
        self._table = ChoiceTable.load(Path(table)) if isinstance(table, str) else table
        self._constants = {f"{name}_intercept": name for name in self._table.alternatives}
        self._fixed = checked(fixed or {}, tuple(self._constants))
        self._spec = SimulatorSpec(
            name="multinomial logit",
            parameters=tuple(name for name in self._constants if name not in self._fixed),
            outcomes=self._table.alternatives,
            slots=slots,
            availability=patterns(
                self._table.alternatives, self._table.available, self._table.weights
            ),
        )

    def spec(self) -> SimulatorSpec:
        """Return names of constants and alternatives, and exactly who can choose what."""
        return self._spec

    async def simulate(self, trial: Trial) -> AsyncGenerator[Observation]:
        """Yield the expected shares, the same in each iteration."""
        parameters = {**self._fixed, **trial.parameters}
        constants = {self._constants[name]: value for name, value in parameters.items()}
        while True:
            shares = await self.context.run_blocking(self._table.shares, constants)
            yield Observation(outcome=shares)


def checked(fixed: Mapping[str, float], known: tuple[str, ...]) -> dict[str, float]:
    """Return parameters that are held fixed, all of which are known.

    Raises:
        UnknownConstantError: One is not.
    """
    for name in fixed:
        if name not in known:
            raise UnknownConstantError(name, known=known)
    return dict(fixed)
