"""Optuna's samplers and its HyperBand, for parameters of any meaning."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from ..errors import MissingPackageError, UnknownSamplerError
from ..proposer import Proposal
from ..stopping.forecasting import ForecastingStopper
from .informed import InformedProposer

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import optuna

    from ....protocols.trial import TrialId
    from ..forecast import Forecast, Verdict
    from ..record import TrialRecord
    from ..space import Point, Space
    from ..stopping import Extrapolation
    from ..target import Target
    from .known import Key

SAMPLERS: Final = ("tpe", "gp", "cmaes")
"""The names by which samplers are chosen."""

_NEEDED: Final = {"tpe": ("optuna",), "gp": ("optuna", "torch"), "cmaes": ("optuna", "cmaes")}
_SEEDS: Final = 2**31
_TRIES: Final = 100


class OptunaProposer(InformedProposer):
    """Proposes what one of Optuna's samplers wants next; it sees the loss alone.

    Optuna keeps the trials in memory and decides nothing about them: they are told to it after each
    iteration and at their end. Several trials may run at a time; TPE then counts those that run as
    bad ones, so that it does not propose their points over and over.

    Args:
        space: Where points lie.
        target: What losses are measured against.
        iterations: Iterations of a full run.
        generator: Where its randomness comes from: it draws the sampler's seed.
        sampler: `tpe`, `gp` (needs torch) or `cmaes`.
        multivariate: Whether TPE looks at all parameters together instead of at each by itself.
        least: Iterations after which Optuna's HyperBand may stop a trial (`OptunaStopper`).

    Raises:
        UnknownSamplerError: There is no such sampler.
        MissingPackageError: A package that it needs is not installed.
    """

    def __init__(
        self,
        space: Space,
        target: Target,
        *,
        iterations: int,
        generator: np.random.Generator,
        sampler: str = "tpe",
        multivariate: bool = False,
        least: int = 2,
    ) -> None:
        super().__init__(space, target, iterations=iterations, generator=generator)
        self._study = _study(
            sampler,
            seed=int(generator.integers(_SEEDS)),
            multivariate=multivariate,
            least=min(least, iterations),
            most=iterations,
        )
        self._asked: dict[Key, optuna.Trial] = {}
        self._trials: dict[TrialId, optuna.Trial] = {}
        self._reported: dict[TrialId, int] = {}
        self._ended: set[TrialId] = set()

    def ask(self, running: Sequence[TrialRecord]) -> Proposal | None:
        """Return the sampler's next point at which no trial is."""
        from optuna.trial import TrialState  # slow to start

        for _ in range(_TRIES):
            trial = self._study.ask()
            point = {p.name: trial.suggest_float(p.name, p.low, p.high) for p in self._space}
            key = self._known.key(point)
            if self._known.is_new(point, running) and key not in self._asked:
                self._asked[key] = trial
                return Proposal(point=point, iterations=self._iterations)
            self._study.tell(trial, state=TrialState.FAIL)
        point = self._known.uniform(self._generator, running)
        self._study.enqueue_trial(point)
        return self.ask(running)

    def tell(self, record: TrialRecord, forecast: Forecast | None) -> None:
        """Report the latest loss of a trial, and its end.

        Raises:
            OutcomeError: The latest outcome has no loss.
        """
        super().tell(record, forecast)
        if record.confirms is not None or record.id in self._ended:
            return
        trial = self._trial_of(record)
        step = len(record.outcomes)
        if trial is not None and step > self._reported.get(record.id, 0):
            self._reported[record.id] = step
            trial.report(self._target.loss(record.outcomes[-1]), step)
        if record.state != "running":
            self._ended.add(record.id)
            self._end(trial, record)

    def is_pruned(self, trial: TrialId) -> bool:
        """Whether Optuna's HyperBand would stop a trial now."""
        known = self._trials.get(trial)
        return known is not None and known.should_prune()

    def _trial_of(self, record: TrialRecord) -> optuna.Trial | None:
        """Return what was asked for at a record's point; None for one of an earlier life."""
        known = self._trials.get(record.id)
        if known is None:
            known = self._asked.pop(self._known.key(record.point), None)
            if known is not None:
                self._trials[record.id] = known
        return known

    def _end(self, trial: optuna.Trial | None, record: TrialRecord) -> None:
        from optuna.trial import TrialState, create_trial  # slow to start

        states = {"finished": TrialState.COMPLETE, "stopped": TrialState.PRUNED}
        state = states.get(record.state, TrialState.FAIL) if record.outcomes else TrialState.FAIL
        losses = [self._target.loss(outcome) for outcome in record.outcomes]
        value = losses[-1] if state is TrialState.COMPLETE else None
        if trial is not None:
            self._study.tell(trial, value, state=state)
            return
        self._study.add_trial(
            create_trial(
                state=state,
                value=value,
                params=self._params(record.point),
                distributions=_distributions(self._space),
                intermediate_values=dict(enumerate(losses, 1)),
            )
        )

    def _params(self, point: Point) -> dict[str, Any]:
        return {parameter.name: point[parameter.name] for parameter in self._space}


class OptunaStopper(ForecastingStopper):
    """Stops what Optuna's HyperBand would stop; forecasts are made for those who look.

    Args:
        proposer: Whose trials it judges.
        extrapolation: What forecasts.
    """

    def __init__(self, proposer: OptunaProposer, extrapolation: Extrapolation) -> None:
        super().__init__(extrapolation)
        self._proposer = proposer

    def judge(
        self,
        record: TrialRecord,
        forecast: Forecast,
        best: float | None,
        elapsed: float,
    ) -> Verdict:
        """Say what Optuna says, by the losses that were reported to it."""
        return "stop" if self._proposer.is_pruned(record.id) else "go on"


def _study(sampler: str, *, seed: int, multivariate: bool, least: int, most: int) -> optuna.Study:
    """Return an empty study in memory."""
    if sampler not in SAMPLERS:
        raise UnknownSamplerError(sampler, known=SAMPLERS)
    for package in _NEEDED[sampler]:
        if find_spec(package) is None:
            raise MissingPackageError(f"the sampler {sampler!r}", package)
    import optuna  # slow to start

    chosen: optuna.samplers.BaseSampler
    if sampler == "gp":
        chosen = optuna.samplers.GPSampler(seed=seed)
    elif sampler == "cmaes":
        chosen = optuna.samplers.CmaEsSampler(seed=seed)
    else:
        chosen = optuna.samplers.TPESampler(seed=seed, multivariate=multivariate)
    pruner = optuna.pruners.HyperbandPruner(
        min_resource=least, max_resource=most, reduction_factor=3
    )
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)  # it would announce the study on stderr
    try:
        # HyperBand deals trials out to brackets by the study's name, which would be drawn anew
        return optuna.create_study(study_name=f"passel {seed}", sampler=chosen, pruner=pruner)
    finally:
        optuna.logging.set_verbosity(before)


def _distributions(space: Space) -> dict[str, Any]:
    from optuna.distributions import FloatDistribution  # slow to start

    return {p.name: FloatDistribution(p.low, p.high) for p in space}
