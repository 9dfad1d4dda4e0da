"""What runs of BEAM have in common, and whether it can be used."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from ...actors.processes import INHERITED, CommandWords, environment_of
from .errors import BeamSetupError
from .keys import LAST_ITERATION, OUTPUT, SEED, check_keys, key_of
from .override import Value, sweep_overrides
from .tables import Source

if TYPE_CHECKING:
    from ...protocols.trial import Trial

KEPT_VARIABLES: Final = (*INHERITED, "JAVA_HOME", "JAVA_OPTS", "MAXRAM")
"""Environment variables that every BEAM sees, as far as its node has them."""

PLACES: Final = ("config", "output", "folder", "name")
"""What a command may have places for: the configuration of the trial, where its output goes, the
folder of the scenario, and a name for containers."""

Keep = Literal["all", "failed", "none"]
"""Of which trials the output is kept: of all, of those that failed, or of none."""


class BeamSetup(msgspec.Struct, frozen=True, kw_only=True):
    """How BEAM is run and read; the arguments of `Beam`, which says what they mean."""

    command: tuple[str, ...]
    scenario: Path
    outputs: Path
    parameters: tuple[str, ...]
    settings: dict[str, Value]
    source: Source
    commute: bool
    modes: tuple[str, ...]
    iterations: int
    slots: int
    directory: str
    environment: tuple[str, ...]
    variables: dict[str, str]
    cleanup: tuple[str, ...]
    alternatives: str
    keep: Keep
    start_timeout: float
    iteration_timeout: float
    finish_timeout: float
    poll: float
    grace: float

    def __post_init__(self) -> None:
        """Look at what can be looked at without the disk.

        Raises:
            InvalidCommandError: No program can be run by a command.
            BeamParameterError: A parameter or setting stands for no key.
            BeamSetupError: Another argument makes no sense.
        """
        words = CommandWords(self.command)
        words.check(PLACES)
        if "config" not in words.places:
            reason = "has no place {config} for the configuration of a trial"
            raise BeamSetupError(f"its command {list(self.command)}", reason=reason)
        if self.cleanup:
            CommandWords(self.cleanup).check(PLACES)
        check_keys((*self.parameters, *self.settings))
        for key, value in self.settings.items():
            if isinstance(value, float) and not math.isfinite(value):
                raise BeamSetupError(f"the setting {key} = {value}", reason="is no finite number")
        times = ("start_timeout", "iteration_timeout", "poll")
        for name in ("iterations", "slots", *times):
            if not getattr(self, name) > 0:
                raise BeamSetupError(f"{name} = {getattr(self, name)}", reason="should be above 0")

    def look(self) -> None:
        """Look at files and folders, make the one for outputs, and remove what is left over.

        Raises:
            InvalidCommandError: A program is not there.
            BeamSetupError: The scenario cannot be read, or outputs not be written.
        """
        directory = self.directory or None
        if directory is not None and not Path(directory).is_dir():
            raise BeamSetupError(f"its directory {directory}", reason="is not there")
        path = self.seen_environment().get("PATH")
        CommandWords(self.command).find(directory=directory, path=path)
        if self.cleanup:
            CommandWords(self.cleanup).find(directory=directory, path=path)
        try:
            with open(self.scenario, "rb") as file:
                file.read(1)
        except OSError as error:
            reason = f"cannot be read ({error.strerror}); give the scenario's configuration file"
            raise BeamSetupError(f"the scenario {self.scenario}", reason=reason) from None
        sweep_overrides(self.scenario)
        try:
            self.outputs.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = f"cannot be made ({error.strerror})"
            raise BeamSetupError(f"the folder for outputs {self.outputs}", reason=reason) from None

    def seen_environment(self) -> dict[str, str]:
        """Return the environment that BEAM sees."""
        return environment_of((*KEPT_VARIABLES, *self.environment), self.variables)

    def values(self, trial: Trial, output: Path) -> dict[str, Value]:
        """Return the keys that a trial sets, in order.

        Raises:
            BeamParameterError: A parameter stands for no key, or for one that is set anyway.
        """
        check_keys((*trial.parameters, *self.settings))
        return {
            **{key_of(name): value for name, value in self.settings.items()},
            **{key_of(name): value for name, value in trial.parameters.items()},
            LAST_ITERATION: trial.iterations - 1,
            SEED: trial.seed,
            OUTPUT: str(output),
        }
