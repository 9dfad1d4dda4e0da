"""The user's BEAM as a simulator."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence  # noqa: TC003  # hints are read at run time
from pathlib import Path
from typing import TYPE_CHECKING

from ...actors.simulator import Observation, Simulator
from ...protocols.trial import Availability, SimulatorSpec, Trial
from .alternatives import read_alternatives
from .errors import BeamParameterError
from .keys import check_keys
from .override import Value  # noqa: TC001  # hints are read at run time
from .place import place_for
from .run import BeamRun
from .setup import BeamSetup, Keep
from .tables import Source  # noqa: TC001  # hints are read at run time

if TYPE_CHECKING:
    from ...actors.context import Threads


class Beam(Simulator):
    """Runs a BEAM of its user's, once for each trial, and tells the mode split of its iterations.

    For a trial of n iterations it

    1. makes a folder below `outputs` that is the trial's own;
    2. writes a configuration into the folder of the scenario, which includes `scenario` and sets
       parameters, settings, seed, the last iteration (n - 1, as BEAM counts from 0) and that folder;
    3. runs `command`, and looks at the table that BEAM writes at the end of each iteration; an
       iteration counts once its row is whole and settled;
    4. ends BEAM with all that it has started: SIGTERM, and SIGKILL after `end_grace` seconds. It
       ends with its node, too, however that dies;
    5. removes the configuration, and the output unless `keep_outputs` keeps it.

    A run that ends too early, hangs or writes nonsense fails its trial; what was kept of it, and
    where, is said. A trial cannot be extended.

    Args:
        command: Program and arguments, with places for what differs from trial to trial:
            `{config}`, its configuration; `{output}`, the folder for its output; `{folder}`, that
            of the scenario; `{name}`, a name for a container. Paths are absolute. No shell sees it.
        scenario: The configuration file of the scenario.
        outputs: Folder for the outputs of all trials.
        parameters: Names that trials must give; any if empty: `<mode>_intercept`, or full keys.
        settings: Keys that are the same in all trials, with their values.
        source: Which table is read.
        commute: Whether of the trips to work alone.
        modes: Modes that are outcomes even while the table has no column for them.
        iterations: After how many iterations the mode split counts as settled.
        slots: How many BEAMs run at a time; each takes the memory that it is given.
        directory: Where the command runs, such as BEAM's checkout for gradle; where the node does
            if empty.
        environment: Names of further environment variables that BEAM sees, besides PATH, HOME, the
            language, JAVA_HOME, JAVA_OPTS and MAXRAM.
        variables: Environment variables with their values, such as `{"MAXRAM": "10g"}`.
        cleanup: A command that is run after each trial, with the same places, for what is out of
            reach of signals, such as a container; a warning is logged when it fails.
        alternatives: A `modeChosenAvailableAlternativesCount.csv` of an earlier run, which tells
            who can choose what.
        keep_outputs: Of which trials the output is kept.
        start_timeout: Seconds until the first iteration must be there.
        iteration_timeout: Seconds between two iterations.
        finish_timeout: Seconds that a complete run has to end by itself.
        poll: Seconds between two looks at the table.
        end_grace: Seconds between SIGTERM and SIGKILL.

    Raises:
        InvalidCommandError: No program can be run by a command.
        BeamSetupError: Another argument makes no sense, or a file or folder is not there (when the
            actor starts).
        BeamParameterError: A parameter or setting stands for no key.
        BeamTableError: The file of alternatives is none (when the actor starts).
    """

    def __init__(
        self,
        *,
        command: Sequence[str],
        scenario: str,
        outputs: str,
        parameters: Sequence[str] = (),
        settings: Mapping[str, Value] | None = None,
        source: Source = "realizedModeChoice",
        commute: bool = False,
        modes: Sequence[str] = (),
        iterations: int = 20,
        slots: int = 1,
        directory: str = "",
        environment: Sequence[str] = (),
        variables: Mapping[str, str] | None = None,
        cleanup: Sequence[str] = (),
        alternatives: str = "",
        keep_outputs: Keep = "all",
        start_timeout: float = 7200.0,
        iteration_timeout: float = 7200.0,
        finish_timeout: float = 600.0,
        poll: float = 1.0,
        end_grace: float = 10.0,
    ) -> None:
        super().__init__()
        self._setup = BeamSetup(
            command=tuple(command),
            scenario=Path(scenario).absolute(),
            outputs=Path(outputs).absolute(),
            parameters=tuple(parameters),
            settings=dict(settings or {}),
            source=source,
            commute=commute,
            modes=tuple(modes),
            iterations=iterations,
            slots=slots,
            directory=directory,
            environment=tuple(environment),
            variables=dict(variables or {}),
            cleanup=tuple(cleanup),
            alternatives=alternatives,
            keep=keep_outputs,
            start_timeout=start_timeout,
            iteration_timeout=iteration_timeout,
            finish_timeout=finish_timeout,
            poll=poll,
            grace=end_grace,
        )
        self._availability: tuple[Availability, ...] = ()
        self._threads: Threads | None = None

    async def started(self) -> None:
        """Look whether program, scenario and folders are there."""
        setup = self._setup
        self._threads = self.context.threads(setup.slots)
        await self._threads.run(setup.look)
        if setup.alternatives:
            self._availability = await self._threads.run(
                lambda: read_alternatives(setup.alternatives)
            )

    def spec(self) -> SimulatorSpec:
        """Return what the simulator says of itself."""
        setup = self._setup
        return SimulatorSpec(
            name=f"BEAM on {setup.scenario.name}",
            parameters=setup.parameters,
            outcomes=setup.modes,
            iterations=setup.iterations,
            slots=setup.slots,
            extendable=False,
            availability=self._availability,
        )

    def refusal(self, trial: Trial) -> str:
        """Return why the names of a trial's parameters do not fit, if they do not."""
        try:
            check_keys((*trial.parameters, *self._setup.settings))
        except BeamParameterError as error:
            return str(error)
        return ""

    async def simulate(self, trial: Trial) -> AsyncGenerator[Observation]:
        """Run BEAM and yield the mode split of each iteration.

        Raises:
            BeamRunError: It ended too early, hung, or wrote nonsense.
            BeamSetupError: The scenario's folder cannot be written to any more.
        """
        assert self._threads is not None, "made in started()"
        absent = dict.fromkeys(self._setup.modes, 0.0)
        place = await place_for(self._setup, trial, self._threads)
        try:
            run = BeamRun(
                self._setup,
                place,
                threads=self._threads,
                now=self.context.now,
                log=self.context.log.bind(trial=trial.id),
            )
        except OSError:  # such as too many processes
            place.unmake()
            raise
        shown = 0
        try:
            while shown < trial.iterations:
                for shares in await run.more():
                    shown += 1
                    yield Observation(outcome=absent | shares.outcome, sample=shares.sample)
        finally:
            await run.end(finish=shown >= trial.iterations)
            if run.output:
                self.keep(trial.id, run.output)
                self.context.log.info("BEAM's output kept", trial=trial.id, folder=run.output)
