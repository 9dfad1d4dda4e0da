"""A calibration of a function or program, as few words say it, and the topology that runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from ...protocols.trial import SimulatorSpec
from .description import check_fit, check_settings, check_space, check_target
from .errors import JobError
from .settings import CalibrationSettings
from .space import Parameter
from .target import Target

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_RESTARTS: Final = 1_000
"""How often a worker's process may die within a minute: a function may take it along each time."""


class Job(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A calibration without a topology. Exactly one of `function` and `command` is given.

    Attributes:
        parameters: The parameters to be found, by name; each has `low`, `high`, and may have `start`
            and `constant_of`.
        target: The wanted value of each outcome.
        function: `module:function`, which is called with the parameters by name.
        command: A program and its arguments; `{x}` is the value of the parameter x.
        shares: Whether the target's values are shares of a whole, in parts of 1.
        workers: How many processes run trials side by side.
        iterations: After how many iterations an outcome counts as settled.
        outcome: The name of a single number that the function returns.
        proposer: Chooses points, by name.
        proposer_options: What it takes besides.
        stopper: Ends trials early, by name.
        stopper_options: What it takes besides.
        settings: Budget, goal, and the rest.
        seed: What all randomness is made from.
        timeout: Seconds that an iteration may take; any number if None.
        log: A file that is written as it goes on, for reports.
        warm_start: Logs of earlier calibrations to learn from.
        keep: Whether a journal keeps it, so that it can be resumed.
        name: Name of the runtime.
    """

    parameters: dict[str, dict[str, Any]]
    target: dict[str, float]
    function: str = ""
    command: tuple[str, ...] = ()
    shares: bool = False
    workers: int = 1
    iterations: int = 1
    outcome: str = "value"
    proposer: str = "auto"
    proposer_options: dict[str, Any] = {}
    stopper: str = "incumbent"
    stopper_options: dict[str, Any] = {}
    settings: CalibrationSettings = CalibrationSettings()
    seed: int = 0
    timeout: float | None = None
    log: str = ""
    warm_start: tuple[str, ...] = ()
    keep: bool = False
    name: str = "calibration"

    @property
    def space(self) -> tuple[Parameter, ...]:
        """The parameters as records.

        Raises:
            JobError: One of them is none.
        """
        try:
            return tuple(
                msgspec.convert({"name": name, **facts}, Parameter)
                for name, facts in self.parameters.items()
            )
        except (msgspec.ValidationError, TypeError) as error:
            raise JobError(f"parameters: {error}") from error


def topology_of(job: Job) -> dict[str, Any]:
    """Return the topology that runs a calibration; to be read as one, so each `$` is there twice.

    Raises:
        JobError: It says too little, or too much.
        InvalidCalibrationError: Its target, parameters or settings make no sense.
        UnknownNameError: A parameter is the constant of something else than an outcome.
    """
    if bool(job.function) == bool(job.command):
        raise JobError("give a function or a command, and not both")
    if not job.target or not job.parameters:
        raise JobError("give at least one parameter with its bounds, and one target")
    if job.workers < 1:
        raise JobError("give at least one worker")
    empty = [parameter.name for parameter in job.space if not parameter.low < parameter.high]
    if empty:
        raise JobError(f"the bounds of {', '.join(empty)} hold nothing; the lower comes first")
    target = Target(values=job.target, shares=job.shares)
    check_space(job.space)
    check_target(target)
    check_settings(job.settings)
    check_fit(SimulatorSpec(name=job.name), target, job.space, {})
    calibrator: dict[str, Any] = {
        "simulators": {"refs": "worker"},
        "target": msgspec.to_builtins(target),
        "space": [msgspec.to_builtins(parameter) for parameter in job.space],
        "proposer": job.proposer,
        "proposer_options": job.proposer_options,
        "stopper": job.stopper if job.iterations > 1 else "none",
        "stopper_options": job.stopper_options if job.iterations > 1 else {},
        "settings": msgspec.to_builtins(job.settings),
        "seed": job.seed,
        "log": job.log,
        "warm_start": list(job.warm_start),
    }
    actors: dict[str, Any] = {
        "worker": _worker(job),
        "calibrator": {"class": "passel.agents.calibration:Calibrator", "args": calibrator},
    }
    if job.keep:
        calibrator["journal"] = {"ref": "journal"}
        journal = {"class": "passel.agents.calibration:CalibrationJournal", "durable": True}
        actors = {"journal": journal, **actors}
    topology = {
        "version": 1,
        "name": job.name,
        "nodes": {"workers": {"count": job.workers, "cpus": 1}},
        "actors": actors,
        "main": {"actor": "calibrator", "ask": "calibrate_shown"},
    }
    found: dict[str, Any] = _literal(topology)
    return found


def _literal(value: Any) -> Any:
    """Return what a topology reads as `value`: it takes `$` for the beginning of a parameter."""
    match value:
        case str():
            return value.replace("$", "$$")
        case dict():  # whose keys it leaves alone
            return {key: _literal(item) for key, item in value.items()}
        case list() | tuple():
            return [_literal(item) for item in value]
        case _:
            return value


def _worker(job: Job) -> dict[str, Any]:
    args: dict[str, Any] = {"iterations": job.iterations}
    if job.timeout is not None:
        args["timeout"] = job.timeout
    if job.function:
        args |= {
            "function": job.function,
            "parameters": list(job.parameters),
            "outcome": next(iter(job.target)) if len(job.target) == 1 else job.outcome,
        }
    else:
        args["command"] = list(job.command)
    kind = "FunctionSimulator" if job.function else "CommandSimulator"
    return {
        "class": f"passel.actors.simulator:{kind}",
        "node": "workers",
        "replicas": job.workers,
        "args": args,
        "supervise": {"max_restarts": _RESTARTS, "within": 60},
    }


def read_job(path: Path) -> Job:
    """Read a calibration from a YAML file; its keys are the attributes of `Job`.

    Raises:
        JobError: The file cannot be read, or says something else.
    """
    import yaml  # only who reads a file needs it

    try:
        return msgspec.convert(yaml.safe_load(path.read_text(encoding="utf-8")), Job)
    except OSError as error:
        raise JobError(f"{path}: {error.strerror or error}") from error
    except (yaml.YAMLError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise JobError(f"{path}: {error}") from error


def parameters_in(texts: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Read parameters that were written as `x=LOW:HIGH`, `x=LOW:HIGH:START` or with `@OUTCOME`.

    Raises:
        JobError: One of them is written otherwise.
    """
    found: dict[str, dict[str, Any]] = {}
    for text in texts:
        name, _, rest = text.partition("=")
        bounds, _, constant_of = rest.partition("@")
        numbers = [_number(word, text) for word in bounds.split(":")]
        if not name or len(numbers) not in {2, 3}:
            raise JobError(f"{text!r}: write a parameter as x=0:10, or x=0:10:5 with its start")
        found[name] = dict(zip(("low", "high", "start"), numbers, strict=False))
        if constant_of:
            found[name]["constant_of"] = constant_of
    return found


def target_in(texts: Sequence[str]) -> dict[str, float]:
    """Read wanted values that were written as `delay=3.5`.

    Raises:
        JobError: One of them is written otherwise.
    """
    pairs = [text.partition("=") for text in texts]
    return {name: _number(value, text) for (name, _, value), text in zip(pairs, texts, strict=True)}


def _number(word: str, text: str) -> float:
    try:
        return float(word)
    except ValueError:
        raise JobError(f"{text!r}: {word!r} is no number") from None
