"""`passel plan`: what can be said of a plan in a file, and running it without a model.

Every `passel` command loads this file, so it imports the compiler only when it is needed.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, cast

import msgspec
import typer

from ..protocols.errors import PasselError
from ..protocols.plan import PlannedTask, RefusedTask
from ..protocols.printable import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..protocols.plan import PlanItem, TaskId, TaskOutcome
    from ..protocols.tools import ToolSpec
    from .compiler.drawing import Format
    from .compiler.events import Effect, Event
    from .compiler.rehearsal import Functions

app = typer.Typer(no_args_is_help=True, help="Look at plans of tool calls, and run them.")

_ENDINGS = {
    ".txt": "text",
    ".plan": "text",
    "": "text",
    ".mmd": "mermaid",
    ".mermaid": "mermaid",
    ".dot": "dot",
    ".gv": "dot",
    ".svg": "svg",
}
_FORMATS = ("text", "mermaid", "dot", "svg")

_RESULT_CHARACTERS: Final = 4_000
"""So much of a result is printed."""

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
    as_json: Annotated[bool, typer.Option("--json", help="Print the tasks as JSON.")] = False,
) -> None:
    """Draw a plan as a graph, and say which of its tasks cannot be run.

    With `--tool` unknown tools and arguments that do not fit are found, too. Without `--format` the
    ending of the output decides. Exit code 1 says that some task cannot be run.

    **Examples**

    `passel plan show day.plan`

    `passel plan show day.plan -t mytools:search -t mytools:calculate -o day.svg`
    """
    from .compiler.drawing import draw  # slow to start, as the two below are

    if as_json and format_:
        raise typer.BadParameter("give either this or --json", param_hint="--format")
    chosen = "text" if as_json else _format(format_, output)
    items = _read(file, tool or ())[0]
    text = _tasks(items) if as_json else draw(items, chosen)
    if output is None:
        sys.stdout.write(text)
    else:
        _write(output, text)
    faults = [item for item in items if isinstance(item, RefusedTask)]
    if faults and (chosen != "text" or output is not None or as_json):
        for item in faults:
            typer.echo(printable(f"{file}: task {item.id}, {item.fault}: {item.detail}"), err=True)
    if faults:
        raise typer.Exit(1)


@app.command("run")
def run_command(
    file: FILE,
    tool: TOOLS = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """Run a plan over functions of this process, and print what came of each task.

    Neither a model nor a runtime is needed. Long results are cut, but in JSON. Exit code 1 says that
    some task has no result.

    **Examples**

    `passel plan run day.plan -t mytools:search -t mytools:calculate`
    """
    if not tool:
        raise typer.BadParameter("give the plan's tools", param_hint="--tool")
    items, specs, functions = _read(file, tool)
    assert functions is not None, "there are tools"
    outcomes = asyncio.run(_run(items, specs, functions, as_json=as_json))
    refused = any(isinstance(item, RefusedTask) for item in items)
    if refused or any(outcome.ending != "done" for outcome in outcomes.values()):
        raise typer.Exit(1)


async def _run(
    items: Sequence[PlanItem], specs: Sequence[ToolSpec], functions: Functions, *, as_json: bool
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
            case Settle(outcome) if as_json:
                plain = msgspec.to_builtins(outcome, str_keys=True, enc_hook=repr)
                typer.echo(json.dumps(plain))
            case Settle(outcome):
                text = shown(outcome.result) if outcome.ending == "done" else outcome.error
                sign = "=" if outcome.ending == "done" else f"{outcome.ending}:"
                typer.echo(printable(f"{outcome.id} {outcome.tool} {sign} {_cut(text)}"))

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


def _cut(text: str) -> str:
    more = len(text) - _RESULT_CHARACTERS
    return f"{text[:-more]}... and {more} characters more" if more > 0 else text


def _tasks(items: Sequence[PlanItem]) -> str:
    """Return the tasks as JSON: each with what it needs, and what is wrong with it."""
    from .compiler.dispatch import references_in

    tasks: list[dict[str, Any]] = []
    for item in items:
        if isinstance(item, PlannedTask):
            needs = sorted(set(references_in((item.arguments, item.keywords))))
            tasks.append({"id": item.id, "tool": item.tool, "text": item.text, "needs": needs})
        elif isinstance(item, RefusedTask):
            tasks.append(msgspec.to_builtins(item))
    return json.dumps(tasks, indent=2) + "\n"


def _write(output: Path, text: str) -> None:
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        typer.secho(printable(f"error: {output} cannot be written: {error}"), err=True, fg="red")
        raise typer.Exit(2) from None


def _format(wanted: str, output: Path | None) -> Format:
    ending = output.suffix.lower() if output is not None else ""
    if not wanted and ending not in _ENDINGS:
        known = ", ".join(filter(None, _ENDINGS))
        raise typer.BadParameter(
            f"{ending!r} is none of {known}; give one of them, or --format", param_hint="--output"
        )
    found = wanted or _ENDINGS[ending]
    if found not in _FORMATS:
        raise typer.BadParameter(
            f"{wanted!r} is none of {', '.join(_FORMATS)}", param_hint="--format"
        )
    return cast("Format", found)
