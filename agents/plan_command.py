"""`passel plan`: what can be said of a plan in a file, and running it without a model.

Every `passel` command loads this file, so it imports the compiler only when it is needed.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from ..protocols.errors import PasselError
from ..protocols.plan import RefusedTask
from ..protocols.printable import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..protocols.plan import PlanItem, TaskId, TaskOutcome
    from ..protocols.tools import ToolSpec
    from .compiler.drawing import Format
    from .compiler.events import Effect, Event
    from .compiler.rehearsal import Functions

app = typer.Typer(no_args_is_help=True, help="Look at plans of tool calls, and run them.")

_ENDINGS = {".mmd": "mermaid", ".mermaid": "mermaid", ".dot": "dot", ".gv": "dot", ".svg": "svg"}
_FORMATS = ("text", "mermaid", "dot", "svg")

FILE = Annotated[Path, typer.Argument(help="A plan: text or JSON.", show_default=False)]
TOOLS = Annotated[
    list[str] | None,
    typer.Option(
        "--tool", "-t", metavar="MODULE:FUNCTION", help="A tool it may call. May be repeated."
    ),
]


@app.command("show")
def show_command(
    file: FILE,
    tool: TOOLS = None,
    format_: Annotated[
        str, typer.Option("--format", "-f", metavar="|".join(_FORMATS), help="What to draw it in.")
    ] = "",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write here instead of stdout.")
    ] = None,
) -> None:
    """Draw a plan as a graph, and say which of its tasks cannot be run.

    With `--tool` unknown tools and arguments that do not fit are found, too. Without `--format` the
    ending of the output decides. Exit code 1 says that some task cannot be run.

    **Examples**

    `passel plan show day.plan`

    `passel plan show day.plan -t mytools:search -t mytools:calculate -o day.svg`
    """
    from .compiler.drawing import draw  # slow to start, as the two below are

    chosen = _format(format_, output)
    items = _read(file, tool or ())[0]
    text = draw(items, chosen)
    if output is None:
        sys.stdout.write(text)
    else:
        output.write_text(text, encoding="utf-8")
    faults = [item for item in items if isinstance(item, RefusedTask)]
    if faults and (chosen != "text" or output is not None):
        for item in faults:
            typer.echo(printable(f"{file}: task {item.id}, {item.fault}: {item.detail}"), err=True)
    if faults:
        raise typer.Exit(1)


@app.command("run")
def run_command(file: FILE, tool: TOOLS = None) -> None:
    """Run a plan over functions of this process, and print what came of each task.

    Neither a model nor a runtime is needed. Exit code 1 says that some task has no result.

    **Examples**

    `passel plan run day.plan -t mytools:search -t mytools:calculate`
    """
    if not tool:
        raise typer.BadParameter("give the plan's tools", param_hint="--tool")
    items, specs, functions = _read(file, tool)
    assert functions is not None, "there are tools"
    outcomes = asyncio.run(_run(items, specs, functions))
    refused = any(isinstance(item, RefusedTask) for item in items)
    if refused or any(outcome.ending != "done" for outcome in outcomes.values()):
        raise typer.Exit(1)


async def _run(
    items: Sequence[PlanItem], specs: Sequence[ToolSpec], functions: Functions
) -> dict[TaskId, TaskOutcome]:
    from .compiler.events import Settle
    from .compiler.rehearsal import rehearse
    from .notation.wording import shown
    from .toolrun.start_call import StartCall

    await functions.specs()  # it asks for threads of this loop

    def observe(happened: Event | Effect) -> None:
        match happened:
            case StartCall(task=task, tool=name):
                typer.echo(f"{task} {name} begins", err=True)
            case Settle(outcome):
                text = shown(outcome.result) if outcome.ending == "done" else outcome.error
                sign = "=" if outcome.ending == "done" else f"{outcome.ending}:"
                typer.echo(printable(f"{outcome.id} {outcome.tool} {sign} {text}"))

    return await rehearse(items, specs, functions, observe=observe)


def _read(
    file: Path, paths: Sequence[str]
) -> tuple[list[PlanItem], Sequence[ToolSpec], Functions | None]:
    """Return a file's plan and the tools that were named, or end with what is wrong with either."""
    from .compiler.plan_file import read_plan_file
    from .compiler.rehearsal import Functions

    sys.path.insert(0, os.getcwd())  # so that functions beside the user are found
    try:
        functions = Functions(paths) if paths else None
        specs = asyncio.run(functions.specs()) if functions is not None else ()
        return read_plan_file(file, specs), specs, functions
    except PasselError as error:
        typer.secho(printable(f"error: {error}"), err=True, fg="red")
        raise typer.Exit(2) from None


def _format(wanted: str, output: Path | None) -> Format:
    ending = output.suffix.lower() if output is not None else ""
    found = wanted or _ENDINGS.get(ending, "text")
    if found not in _FORMATS:
        raise typer.BadParameter(
            f"{wanted!r} is none of {', '.join(_FORMATS)}", param_hint="--format"
        )
    return cast("Format", found)
