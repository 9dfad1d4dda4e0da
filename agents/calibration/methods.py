"""How proposers and stoppers are made by name; loaded by whoever makes one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .proposers import Bohb, LogOddsQN, LogRatio, OptunaProposer, Random
from .stopping import PUBLISHED, BeatIncumbent, DecayingThreshold, Extrapolation, Never

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .choosing import Setting
    from .forecast import Stopper
    from .proposer import Proposer


def auto(setting: Setting) -> Proposer:
    """Return the quasi-Newton method where there are constants and shares; elsewhere Optuna's TPE."""
    constants = any(parameter.constant_of for parameter in setting.space)
    return log_odds(setting) if setting.target.shares and constants else tpe(setting)


def log_odds(setting: Setting, *, probe: int = 3) -> Proposer:
    """Return the asynchronous quasi-Newton method on log-odds."""
    return _made(LogOddsQN, setting, availability=setting.availability, probe=probe)


def log_ratio(setting: Setting, *, damping: float = 1.0, probe: int | None = None) -> Proposer:
    """Return the rule of experts: one step at a time, by the log-ratio of shares."""
    return _made(LogRatio, setting, damping=damping, probe=probe)


def random(setting: Setting) -> Proposer:
    """Return a proposer of points at random."""
    return _made(Random, setting)


def bohb(
    setting: Setting,
    *,
    least: int = 2,
    eta: int = 3,
    best: float = 0.15,
    samples: int = 64,
    uniform: float = 1 / 3,
    widened: float = 3.0,
    narrowest: float = 1e-3,
) -> Proposer:
    """Return the optimiser of the paper on BEAM; its stopper is to be `never`."""
    return _made(
        Bohb,
        setting,
        least=least,
        eta=eta,
        best=best,
        samples=samples,
        uniform=uniform,
        widened=widened,
        narrowest=narrowest,
    )


def tpe(setting: Setting, *, multivariate: bool = True) -> Proposer:
    """Return Optuna's tree of Parzen estimators."""
    return _sampled(setting, "tpe", multivariate=multivariate)


def gp(setting: Setting) -> Proposer:
    """Return Optuna's Gaussian process."""
    return _sampled(setting, "gp")


def cmaes(setting: Setting) -> Proposer:
    """Return Optuna's CMA-ES."""
    return _sampled(setting, "cmaes")


def _sampled(setting: Setting, sampler: str, **options: Any) -> Proposer:
    return _made(
        OptunaProposer,
        setting,
        sampler=sampler,
        **options,
    )


def incumbent(setting: Setting, *, replanning: float = 0.2) -> Stopper:
    """Return a stopper that stops what will not beat the best full run."""
    return BeatIncumbent(_extrapolation(setting, replanning))


def threshold(
    setting: Setting,
    *,
    replanning: float = 0.2,
    steps: Sequence[Sequence[float]] = PUBLISHED,
    first: int = 3,
) -> Stopper:
    """Return a stopper with a threshold that falls with time, as published."""
    falling = tuple((float(begin), float(most)) for begin, most in steps)
    extrapolation = _extrapolation(setting, replanning)
    return DecayingThreshold(extrapolation, steps=falling, first=first)


def never(setting: Setting, *, replanning: float = 0.2) -> Stopper:
    """Return a stopper that forecasts, for the proposer, and stops nothing."""
    return Never(_extrapolation(setting, replanning))


def _made(kind: Callable[..., Proposer], setting: Setting, **options: Any) -> Proposer:
    """Return a proposer of a kind; all are made of the same, and of options of their own."""
    return kind(
        setting.space,
        setting.target,
        iterations=setting.iterations,
        generator=_generator(setting),
        **options,
    )


def _generator(setting: Setting) -> np.random.Generator:
    return np.random.default_rng(setting.random.getrandbits(64))


def _extrapolation(setting: Setting, replanning: float) -> Extrapolation:
    return Extrapolation(setting.target, iterations=setting.iterations, replanning=replanning)
