"""`simulate`: runs a topology many times under faults, in virtual time."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections import Counter
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from ...protocols.printable import printable
from . import exits
from .errors import UsageProblemError
from .topology import FILE, SET, overrides_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from ..simulation import Experiment, Run


def add_to(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("simulate")(simulate_command)


def simulate_command(
    file: FILE,
    seeds: Annotated[int | None, typer.Option(min=1, help="How many seeds to run.")] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="The first of them; alone, the only one.")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="Processes. Default: one a core.")
    ] = None,
    faults: Annotated[
        str, typer.Option(help='What may go wrong, as "crash,loss"; "none" for nothing at all.')
    ] = "",
    set_: SET = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a seed.")] = False,
    fail_fast: Annotated[
        bool, typer.Option("--fail-fast", "-x", help="Stop at the first violation.")
    ] = False,
) -> None:
    """Run a topology under seeded faults in virtual time, and check what must hold.

    Processes are killed and stand still, the network loses and parts, clocks jump and drift; the real
    runtime runs on top, all of it in one process. The same seed is the same run, event by event. Exit
    code 1 says that something was violated: its seed is printed with the last events before it.

    **Examples**

    `passel simulate examples/pipeline.yaml --set params.mishap=false --seeds 1000`

    `passel simulate crew.yaml --seed 4711`

    `passel simulate crew.yaml --seeds 200 --faults crash,partition --json`
    """
    from ..simulation.experiment import experiment_of  # not needed by any other command
    from ..simulation.seeds import run_seeds

    kinds = _kinds(faults)
    overrides = overrides_of(set_)
    experiment = experiment_of(file, overrides, kinds=kinds)  # says first what is wrong with it
    first, count = seed or 0, seeds or (100 if seed is None else 1)
    options = [*(f"--set {text}" for text in set_ or ()), f"--faults {faults}" if faults else ""]
    tally = Tally(" ".join(filter(None, [str(file), *options])), as_json=as_json)
    runs = run_seeds(
        str(file),
        range(first, first + count),
        overrides=overrides,
        kinds=kinds,
        jobs=jobs or cores(),
    )
    code = exits.OK
    try:
        with (
            _terminated_as_interrupt(),
            closing(runs),
            _progress(count, as_json=as_json) as advance,
        ):
            for run in runs:
                tally.add(run)
                advance(tally)
                if fail_fast and tally.failed:
                    break
    except KeyboardInterrupt as error:
        code = exits.TERMINATED if error.args else exits.INTERRUPTED
    tally.close(without_faults=_why_without(experiment))
    if code or tally.failed:
        raise typer.Exit(code or exits.FAILED)


def cores() -> int:
    """Return how many cores this process may use; all of them where the system does not tell."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _kinds(text: str) -> tuple[str, ...]:
    from ..simulation import KINDS

    if not text:
        return KINDS
    wanted = tuple(kind for kind in text.replace(" ", "").split(",") if kind not in {"", "none"})
    for kind in wanted:
        if kind not in KINDS:
            raise UsageProblemError(f'"{kind}" is no kind of fault', f"use {', '.join(KINDS)}")
    return wanted


def _why_without(experiment: Experiment) -> str:
    """Return why no fault may have fallen into any run, and what mends it; empty if none was wanted."""
    if not experiment.kinds:
        return ""
    if not experiment.topology.nodes:
        return "a fault befalls nodes or what lies between them; give the topology a node"
    return (
        f"a fault comes every {experiment.every:g} simulated s (`simulate.every`), and main had ended "
        "before the first; let it do more, or lower that"
    )


class Tally:
    """Counts runs, and says which of them violated something."""

    def __init__(self, what: str, *, as_json: bool) -> None:
        self.failed: list[Run] = []
        self.runs = 0
        self._what = what
        self._as_json = as_json
        self._messages = 0
        self._seconds = 0.0
        self._faults: Counter[str] = Counter()
        self._main_errors: Counter[str] = Counter()
        self._digest = ""
        self._begun = time.monotonic()

    def add(self, run: Run) -> None:
        """Count a run."""
        self.runs += 1
        self._messages += run.messages
        self._seconds += run.seconds
        self._faults.update(run.faults)
        if run.main_error:
            self._main_errors[run.main_error] += 1
        self._digest = run.digest
        if run.violation is not None:
            self.failed.append(run)
        if self._as_json:
            _print_json(msgspec.to_builtins(run))

    def close(self, *, without_faults: str = "") -> None:
        """Print what came of them all: the first violation in full.

        Args:
            without_faults: What to say if no fault fell into any of them.
        """
        took = time.monotonic() - self._begun
        if self._as_json:
            _print_json(
                {
                    "runs": self.runs,
                    "violations": sorted(run.seed for run in self.failed),
                    "messages": self._messages,
                    "faults": dict(self._faults),
                    "main_errors": dict(self._main_errors),
                    "simulated_seconds": self._seconds,
                    "seconds": took,
                }
            )
            return
        self.failed.sort(key=lambda run: run.seed)
        for index, run in enumerate(self.failed):
            self._print_violation(run, in_full=index == 0)
        faults = ", ".join(f"{count} {kind}" for kind, count in sorted(self._faults.items()))
        typer.echo(
            f"{_many(self.runs, 'seed')}, {_many(len(self.failed), 'violation')}: "
            f"{self._messages:,} messages and {self._faults.total():,} faults ({faults or 'none'}) "
            f"in {self._seconds:,.0f} simulated and {took:,.1f} real seconds"
        )
        if without_faults and self.runs and not self.failed and not self._faults:
            typer.secho(f"nothing went wrong in any run: {without_faults}", fg="yellow")
        if self._main_errors:
            errors = ", ".join(
                f"{count} {name}" for name, count in sorted(self._main_errors.items())
            )
            typer.echo(f"main failed in {_many(self._main_errors.total(), 'seed')}: {errors}")
        if self.runs == 1:
            typer.echo(f"digest of the run: {self._digest}")

    def _print_violation(self, run: Run, *, in_full: bool) -> None:
        violation = run.violation
        assert violation is not None, "it failed"
        if in_full:
            lines = ["the last events:", *run.lines, "what went wrong:", *run.wrong]
            typer.echo(printable("\n".join(lines)))
        where = f"seed {run.seed}, at {violation.at:.3f} s"
        typer.secho(f"{where}: {violation.invariant}", fg="red")
        typer.echo(printable(f"    {violation.what.splitlines()[0] if violation.what else ''}"))
        typer.echo(f"    again: passel simulate {self._what} --seed {run.seed}")


def _print_json(data: dict[str, Any]) -> None:
    typer.echo(json.dumps(data))


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


@contextmanager
def _terminated_as_interrupt() -> Iterator[None]:
    """Let SIGTERM clean up as Ctrl-C does."""

    def interrupt(number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt(number)

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _progress(count: int, *, as_json: bool) -> Iterator[Callable[[Tally], None]]:
    """Show a bar on a terminal."""
    if as_json or not sys.stderr.isatty():
        yield lambda _tally: None
        return
    from rich.console import Console  # slow to import
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("simulating", total=count)

        def advance(tally: Tally) -> None:
            said = _many(len(tally.failed), "violation")
            progress.update(bar, completed=tally.runs, description=f"simulating, {said}")

        yield advance
