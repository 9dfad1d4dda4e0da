"""`run`: launches a topology, shows it while it runs, stops it."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
import traceback as tracebacks
from pathlib import Path  # noqa: TC003  # typer reads it at run time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ...protocols.errors import DeadlineError, PasselError
from ...protocols.printable import printable
from ..machine.loops import run_on
from . import exits
from .interruption import Interruption
from .metrics import load_metrics
from .output import choose_output, write_failure
from .rates import Rates, actor_rows
from .report import code_of, report
from .topology import FILE, SET, overrides_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from typing import TextIO

    from structlog.typing import EventDict, ExcInfo

    from ..runtime import Runtime
    from .output import Output

_LOOK_SECONDS = 0.5
"""How often the actors' table is made anew."""


def add_to(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("run")(run_command)


def run_command(
    file: FILE,
    set_: SET = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
    name: Annotated[str, typer.Option(help="Name of the runtime; default: the file's.")] = "",
    timeout: Annotated[
        float, typer.Option(min=0, help="Seconds that main may take; 0: as long as it wants.")
    ] = 0.0,
    grace: Annotated[
        float, typer.Option(min=0, help="Seconds that actors, then processes, have to stop.")
    ] = 5.0,
    metrics: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Serve Prometheus metrics at this port, on loopback."),
    ] = None,
    traces: Annotated[
        str,
        typer.Option(metavar="MODULE:FUNCTION", help="Make OpenTelemetry spans; it sets that up."),
    ] = "",
    state: Annotated[
        Path | None,
        typer.Option(help="Directory of what durable actors keep; default: the user's for NAME."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the state of an earlier run, if any.")
    ] = False,
    discard_state: Annotated[
        bool, typer.Option("--discard-state", help="Start anew; lose an earlier run's state.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Log every actor's start and stop, too.")
    ] = False,
    traceback: Annotated[
        bool, typer.Option("--traceback", help="Show an error with every traceback there is.")
    ] = False,
) -> None:
    """Launch a topology, show how it goes, print what `main` returns, and stop everything.

    On a terminal a live view shows the actors and, for language workers, their texts; otherwise plain
    lines. Without a `main` it serves until it is stopped. The first Ctrl-C or SIGTERM stops in order,
    the second kills.

    **Examples**

    `passel run examples/pipeline.yaml`

    `passel run examples/pipeline.yaml --set params.workers=3 --json`

    `passel run shop.yaml --state /var/lib/shop --resume`

    `passel run crew.yaml --name nightly --timeout 600 --metrics 9464 > crew.log`
    """
    interruption = Interruption()
    options: dict[str, Any] = {"name": name} if name else {}
    options |= {"state": state, "resume": resume, "discard_state": discard_state}
    options |= {"grace": grace, "traces": traces}
    with _failures_written(as_json=as_json):
        if metrics is not None:
            load_metrics()  # what is not installed is said before anything starts
        from ..runtime import Runtime  # it needs sockets, which `check` and others do without

        runtime = Runtime.from_topology(file, overrides_of(set_), **options)
    configure_logging(verbose=verbose)
    output = choose_output(runtime.name, as_json=as_json)
    run = _Run(runtime, output, interruption, timeout or None, metrics)
    failure = run.carry_out()
    if failure is not None:
        if as_json:
            write_failure(failure)
        report(failure, whole=traceback)  # of whatever type a handler's `raises` lets through
    code = exits.OK if failure is None else code_of(failure)
    if interruption.code is not None or code != exits.OK:
        raise typer.Exit(interruption.code or code)


@contextlib.contextmanager
def _failures_written(*, as_json: bool) -> Iterator[None]:
    """Write what keeps a run from starting as JSON, too, if that is wanted."""
    try:
        yield
    except PasselError as error:
        if as_json:
            write_failure(error)
        raise


class _Run:
    """One run of one topology."""

    def __init__(
        self,
        runtime: Runtime,
        output: Output,
        interruption: Interruption,
        timeout: float | None,
        metrics: int | None,
    ) -> None:
        self._failure: Exception | None = None
        self._runtime = runtime
        self._launched = runtime.launched
        self._output = output
        self._interruption = interruption
        self._timeout = timeout
        self._metrics = metrics
        self._rates = Rates()

    def carry_out(self) -> Exception | None:
        """Start, run and stop; return what ended the run, unless that is its result or an interrupt."""
        try:
            run_on(self._launched.topology.loop, self._everything())
        finally:
            with contextlib.suppress(BrokenPipeError):
                self._output.close()
        if isinstance(self._failure, BrokenPipeError):  # whoever read the output has had enough
            raise self._failure
        return self._failure

    async def _everything(self) -> None:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        assert task is not None, "a coroutine that runs has a task"
        self._interruption.guard(loop, task, kill=self._runtime.kill, on_first=self._stopping)
        try:
            await self._start_and_stop()
        except asyncio.CancelledError:
            task.uncancel()
        except Exception as error:  # noqa: BLE001 - shown when the view is closed
            self._failed(error)
        finally:
            self._interruption.close()  # from here no signal changes the end
        self._output.phase("stopped")

    async def _start_and_stop(self) -> None:
        count = sum(node.count or 1 for node in self._launched.topology.nodes.values())
        beside = f" {count} process{'es' if count > 1 else ''}" if count else ""
        self._output.phase(f"starting{beside}")
        async with self._runtime, self._serving():
            self._output.phase("running")
            try:
                await self._work()
            except Exception as error:  # noqa: BLE001 - the stop comes first, whatever it is
                self._failed(error)
            finally:
                self._interruption.finish()
                if self._interruption.code is None:
                    self._stopping()

    @contextlib.asynccontextmanager
    async def _serving(self) -> AsyncIterator[None]:
        """Serve metrics meanwhile, if that was asked for."""
        if self._metrics is None:
            yield
            return
        async with load_metrics().serve_metrics(self._runtime, port=self._metrics) as port:
            self._output.phase(f"metrics at http://127.0.0.1:{port}/metrics")
            yield

    def _failed(self, error: Exception) -> None:
        """Keep the first error, unless it came of an interrupt."""
        if self._failure is None and self._interruption.code is None:
            self._failure = error

    def _stopping(self) -> None:
        again = "; a second signal kills" if self._interruption.code is not None else ""
        self._output.phase(f"stopping{again}")

    async def _work(self) -> None:
        """Run main beside the look at the actors; without a main, serve until cancelled."""
        try:
            async with asyncio.timeout(self._timeout), asyncio.TaskGroup() as group:
                looking = group.create_task(self._look())
                if self._launched.topology.main is None:
                    await asyncio.get_running_loop().create_future()
                await self._main()
                looking.cancel()
        except TimeoutError:
            raise DeadlineError("main", self._timeout or 0.0, "its end") from None
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None

    async def _main(self) -> None:
        if self._launched.main_streams:
            async for event in self._runtime.stream_main():
                self._output.event(event)
            return
        self._output.result(await self._runtime.main())

    async def _look(self) -> None:
        while self._output.shows_actors:
            nodes = await self._runtime.statistics()
            rows = actor_rows(nodes, self._rates, time.monotonic())
            order = {name: index for index, name in enumerate(self._launched.refs)}
            rows.sort(key=lambda row: (order.get(row.name, len(order)), row.name))
            self._output.actors(rows)
            await asyncio.sleep(_LOOK_SECONDS)


def configure_logging(*, verbose: bool) -> None:
    """Write the log to whatever stderr is at the moment: a live view replaces it."""
    import structlog  # only a program configures it, libraries never do

    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False),
            _make_printable,
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=_write_traceback
            ),
        ],
        wrapper_class=structlog.make_filtering_bound_logger("debug" if verbose else "info"),
        logger_factory=lambda *_: structlog.PrintLogger(_Stderr()),  # type: ignore[arg-type]  # all it uses is write and flush
        cache_logger_on_first_use=False,
    )


def _make_printable(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Make what a log line says printable before it gets its colours."""
    for key, value in event.items():
        if key != "exc_info" and value is not None:
            event[key] = printable(value if isinstance(value, str) else repr(value))
    return event


def _write_traceback(stream: TextIO, error: ExcInfo) -> None:
    text = "".join(tracebacks.format_exception(*error)).rstrip("\n")
    stream.write("\n" + printable(text))


class _Stderr:
    def write(self, text: str) -> None:
        sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()
