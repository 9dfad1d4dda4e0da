"""`passel calibrate`: calibrates functions and programs, and reports on what was calibrated.

Every `passel` command loads this file, so it imports the calibration only when it is needed.
"""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from ..protocols.errors import PasselError
from ..protocols.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .calibration.job import Job

app = typer.Typer(
    no_args_is_help=True,
    help="Find parameters with which a function or program comes out as it should.",
)

PARAMETER = Annotated[
    list[str],
    typer.Option(
        "--parameter", "-p", metavar="NAME=LOW:HIGH[:START][@OUTCOME]",
        help="A parameter and its bounds; behind @ the outcome whose constant it is. May be repeated.",
    ),
]  # fmt: skip
TARGET = Annotated[
    list[str],
    typer.Option(
        "--target", "-t", metavar="OUTCOME=VALUE", help="What is wanted. May be repeated."
    ),
]
SHARES = Annotated[
    bool, typer.Option("--shares", help="The targets are shares of a whole, in parts of 1.")
]
WORKERS = Annotated[int, typer.Option("--workers", "-n", min=1, help="Processes side by side.")]
ITERATIONS = Annotated[int, typer.Option(min=1, help="Iterations until an outcome is settled.")]
TRIALS = Annotated[int, typer.Option(min=1, help="Most trials.")]
SECONDS = Annotated[float, typer.Option(min=0, help="Most seconds; 0: as many as it takes.")]
GOAL = Annotated[float | None, typer.Option(help="The loss (L1) at which it ends.")]
CONFIRMATIONS = Annotated[int, typer.Option(min=0, help="Runs with fresh seeds of the best point.")]
PROPOSER = Annotated[str, typer.Option(help="What chooses points, by name.")]
STOPPER = Annotated[str, typer.Option(help="What ends trials early, by name.")]
SEED = Annotated[int, typer.Option(help="What all randomness is made from.")]
TIMEOUT = Annotated[float, typer.Option(min=0, help="Seconds of an iteration; 0: any number.")]
LOG = Annotated[Path | None, typer.Option(help="Write a log here, for reports and warm starts.")]
WARM = Annotated[
    list[Path] | None, typer.Option("--warm-start", help="Learn from this log. May be repeated.")
]
STATE = Annotated[
    Path | None, typer.Option(help="Keep a journal in this directory, and go on from it.")
]
JSON = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]
SAVE = Annotated[
    Path | None, typer.Option(help="Write the topology here, to be changed; run nothing.")
]


@app.command("run")
def run_command(
    context: typer.Context,
    what: Annotated[
        list[str],
        typer.Argument(
            metavar="MODULE:FUNCTION | -- PROGRAM [ARGUMENT]...",
            help="A function, or a program with its arguments.",
            show_default=False,
        ),
    ],
    parameter: PARAMETER,
    target: TARGET,
    shares: SHARES = False,
    workers: WORKERS = 1,
    iterations: ITERATIONS = 1,
    trials: TRIALS = 200,
    seconds: SECONDS = 0.0,
    goal: GOAL = None,
    confirmations: CONFIRMATIONS = 3,
    proposer: PROPOSER = "auto",
    stopper: STOPPER = "incumbent",
    seed: SEED = 0,
    timeout: TIMEOUT = 0.0,
    log: LOG = None,
    warm_start: WARM = None,
    state: STATE = None,
    as_json: JSON = False,
    save: SAVE = None,
) -> None:
    """Calibrate a function or a program in so many processes, and print what was found.

    A function is called with the parameters by name. One that returns a number or a mapping is over in
    one iteration; one that yields them, iteration by iteration, can be stopped early. With a
    parameter `seed` it gets each trial's own.

    A program writes a line of JSON for each iteration, as `{"wait": 3.2}`. In its arguments `{x}`
    stands for the parameter x, `{seed}` for the trial's seed, `{iterations}` for how many are wanted.

    **Examples**

    `passel calibrate run model:queue -p rate=0:10 -t wait=3.5 -n 4`

    `passel calibrate run model:modes --shares -p bus=-10:10@bus -t car=0.7 -t bus=0.3 --iterations 20`

    `passel calibrate run -p rate=0:10 -t wait=3.5 -n 4 -- ./queue --rate {rate} --seed {seed}`
    """
    from .calibration.job import Job, parameters_in, target_in  # slow to start, as the next is
    from .calibration.settings import Budget, CalibrationSettings

    is_function = len(what) == 1 and ":" in what[0]
    with _errors():
        job = Job(
            parameters=parameters_in(parameter),
            target=target_in(target),
            function=what[0] if is_function else "",
            command=() if is_function else tuple(what),
            shares=shares,
            workers=workers,
            iterations=iterations,
            proposer=proposer,
            stopper=stopper,
            settings=CalibrationSettings(
                budget=Budget(trials=trials, seconds=seconds or None),
                goal=goal,
                confirmations=confirmations,
            ),
            seed=seed,
            timeout=timeout or None,
            log="" if log is None else str(log.resolve()),
            warm_start=tuple(str(path.resolve()) for path in warm_start or ()),
            keep=state is not None,
        )
    _run(context, job, state=state, as_json=as_json, save=save)


@app.command("file")
def file_command(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="What to calibrate: YAML.", show_default=False)],
    state: STATE = None,
    as_json: JSON = False,
    save: SAVE = None,
) -> None:
    """Calibrate what a YAML file says; docs/calibration.md lists its keys.

    **Examples**

    `passel calibrate file queue.yaml`

    `passel calibrate file queue.yaml --save topology.yaml`
    """
    from .calibration.job import read_job

    with _errors():
        job = read_job(file)
        if state is not None:
            job = msgspec.structs.replace(job, keep=True)
    _run(context, job, state=state, as_json=as_json, save=save)


@app.command("report")
def report_command(
    log: Annotated[Path, typer.Argument(help="The log of a calibration.", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", help="Write here.")] = Path(
        "report.html"
    ),
) -> None:
    """Write one HTML page about a calibration, under way or over, with all its figures.

    It shows shares against the target, the loss against iterations and time, the parameters with
    their standard errors, the reachable floor, when each worker was busy, and every trial. It needs
    `passel[calibration]`.

    **Examples**

    `passel calibrate report runs.jsonl`

    `passel calibrate report runs.jsonl -o calibration.html`
    """
    from .calibration.log import read_log
    from .calibration.report import page_of

    with _errors():
        logged = read_log(log)
    try:
        page = page_of(logged)
    except ModuleNotFoundError as error:
        typer.secho(f"error: {error}; install passel[calibration]", err=True, fg="red")
        raise typer.Exit(1) from None
    with _errors():
        output.write_text(page, encoding="utf-8")
    typer.echo(f"wrote {output}")


def _run(
    context: typer.Context, job: Job, *, state: Path | None, as_json: bool, save: Path | None
) -> None:
    """Run a calibration's topology by `passel run`, or write it to a file."""
    import yaml  # only who runs something needs it

    from .calibration.job import topology_of

    with _errors():
        text = yaml.safe_dump(topology_of(job), sort_keys=False, allow_unicode=True)
    if save is not None:
        with _errors():
            save.write_text(text, encoding="utf-8")
        typer.echo(f"wrote {save}; run it by `passel run {save}`")
        return
    words = ["--json"] if as_json else []
    if state is not None:
        words += ["--state", str(state)]
    if job.keep:
        words.append("--resume")
    with tempfile.TemporaryDirectory(prefix="passel-") as folder:
        file = Path(folder, "calibration.yaml")
        file.write_text(text, encoding="utf-8")
        passel: Any = context.find_root().command
        passel.main(["run", str(file), *words], prog_name="passel")  # which ends by SystemExit


@contextmanager
def _errors() -> Iterator[None]:
    """End with what is wrong with a description, or with a file that was to be written."""
    try:
        yield
    except PasselError as error:
        reason = str(error)
    except OSError as error:
        reason = f"{error.filename} cannot be written: {error.strerror}; name another file"
    else:
        return
    typer.secho(printable(f"error: {reason}"), err=True, fg="red")
    raise typer.Exit(2)
