"""A simulation and a search of one's own, for `epidemic.yaml`: no BEAM, no traffic, plain Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passel.agents.calibration import Forecast, Proposal, TrialRecord

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from passel.agents.calibration import Setting

DAYS = 160.0


def epidemic(contagion: float, recovery: float) -> Iterator[dict[str, float]]:
    """Yield what an epidemic comes to (the SIR model), each time computed with half the step.

    Coarse steps are cheap and wrong, so whoever looks at the first ones knows what to give up.
    """
    step = 4.0
    while True:
        well, ill, peak, when = 0.999, 0.001, 0.0, 0.0
        for number in range(int(DAYS / step)):
            infected = min(well, contagion * well * ill * step)
            well, ill = well - infected, ill + infected - min(ill, recovery * ill * step)
            if ill > peak:
                peak, when = ill, (number + 1) * step
        yield {"peak": peak, "when": when / DAYS, "ever ill": 1.0 - well}
        step /= 2.0


class Around:
    """A search of a few lines: looks around the best trial, sometimes near and sometimes far."""

    def __init__(self, setting: Setting) -> None:
        """Begin in the middle."""
        self.space = setting.space
        self.iterations = setting.iterations
        self.random = setting.random
        self.centre = {parameter.name: parameter.beginning for parameter in setting.space}
        self.loss = float("inf")

    def ask(self, running: Sequence[TrialRecord]) -> Proposal:
        """Propose a point near the best one, or further from it."""
        del running
        reach = 10.0 ** self.random.uniform(-2.5, 0.0)
        point = {}
        for parameter in self.space:
            away = self.random.gauss(0.0, reach * (parameter.high - parameter.low))
            point[parameter.name] = parameter.clipped(self.centre[parameter.name] + away)
        return Proposal(point=point, iterations=self.iterations)

    def tell(self, record: TrialRecord, forecast: Forecast | None) -> None:
        """Move to a better point; those that were stopped count by their forecast."""
        if forecast is not None and record.state != "running" and forecast.loss < self.loss:
            self.loss, self.centre = forecast.loss, record.point


def around(setting: Setting) -> Around:
    """Make the search for a calibrator."""
    return Around(setting)
