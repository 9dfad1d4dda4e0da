"""`passel tools`: what models are told of functions, calls of them, and indexes of documents.

Every `passel` command loads this file, so it imports the tools only when they are needed.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from pathlib import Path  # noqa: TC003  # typer reads hints at run time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..protocols.printable import printable, printable_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..protocols.tools import ToolPolicy
    from .tools.documents import IndexProgress
    from .tools.function_tools import FunctionTool

app = typer.Typer(no_args_is_help=True, help="Look at functions as tools, and index documents.")

FUNCTION = Annotated[
    str, typer.Argument(metavar="MODULE:FUNCTION", help="A function.", show_default=False)
]


@app.command("show")
def show_command(
    functions: Annotated[
        list[str], typer.Argument(metavar="MODULE:FUNCTION...", show_default=False)
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print specs as JSON.")] = False,
) -> None:
    """Show functions as models see them: names, arguments, descriptions and how they may be called.

    **Examples**

    `passel tools show passel.actors.tools.calculator:calculator`

    `passel tools show shop:price shop:order --json`
    """
    import msgspec  # as all below, only when it is needed

    tools = [_tool(function) for function in functions]
    if as_json:
        specs = [tool.spec for tool in tools]
        text = json.dumps(msgspec.to_builtins(specs), indent=2, ensure_ascii=False)
        typer.echo(printable_json(text))
        return
    for tool in tools:
        policy = tool.spec.policy
        typer.secho(printable(tool.signature()), bold=True)
        description = printable(tool.spec.description)
        typer.echo("\n".join(f"    {line}" for line in description.splitlines()))
        typer.echo(
            f"    {policy.concurrency} at once, {policy.timeout:g} s each; {_repetitions(policy)}"
        )


@app.command("call")
def call_command(
    function: FUNCTION,
    args: Annotated[
        list[str] | None,
        typer.Argument(help="Arguments: key=value, or values as JSON or text.", show_default=False),
    ] = None,
) -> None:
    """Call a function as a tool is called, and print its result as JSON.

    **Examples**

    `passel tools call passel.actors.tools.calculator:calculator "2 ** 0.5"`

    `passel tools call shop:price article=tea count=3`
    """
    from ..protocols.tools import ToolCall
    from .tools.daemon_threads import DaemonThreads
    from .tools.places import Places
    from .tools.toolbox import perform

    tool = _tool(function)
    positional, keywords = _arguments(args or ())
    call = ToolCall(tool=tool.spec.name, arguments=positional, keywords=keywords)

    async def called() -> Any:
        tool.threads = DaemonThreads()
        with await Places(call.tool, 1).take() as place:
            return await perform(tool, tool.bind(call), place)

    text = json.dumps(asyncio.run(called()), ensure_ascii=False, default=repr)
    typer.echo(printable_json(text))


@app.command("index")
def index_command(
    folder: Annotated[Path, typer.Argument(help="Folder of documents.", show_default=False)],
    index: Annotated[Path, typer.Argument(help="The index, a file.", show_default=False)],
    suffix: Annotated[
        list[str] | None, typer.Option("--suffix", "-s", help="Ending of files; may be repeated.")
    ] = None,
    embed: Annotated[
        str, typer.Option(metavar="MODULE:FUNCTION", help="Turns a list of texts into vectors.")
    ] = "",
) -> None:
    """Index a folder of text files for `DocumentSearch`, or bring its index up to date.

    **Examples**

    `passel tools index ~/notes notes.db`

    `passel tools index ~/notes notes.db -s .md -s .org --embed mymodel:embed`
    """
    from .tools.documents.index import SUFFIXES, DocumentIndex
    from .tools.function_tools import loaded

    _import_from_here()
    built = DocumentIndex(index, loaded(embed) if embed else None)
    steps = built.build(folder, suffix or SUFFIXES)
    last = _watched(steps) if sys.stderr.isatty() else _last(steps)
    typer.echo(
        f"{index}: {last.passages} passages of {last.total - last.skipped} files "
        f"({last.indexed} read now, {last.skipped} skipped, {last.removed} removed)"
    )


def _repetitions(policy: ToolPolicy) -> str:
    if not policy.idempotent:
        return "is called once for each key"
    if not policy.retries:
        return "is repeated only if its node dies"
    return f"is repeated up to {policy.retries} times if it fails, or its node dies"


def _tool(function: str) -> FunctionTool:
    from .tools.function_tools import FunctionTool, loaded

    _import_from_here()
    return FunctionTool(loaded(function))


def _import_from_here() -> None:
    """Let modules of the current folder be named, as `passel run` does those of a topology's."""
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())


def _arguments(words: Sequence[str]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    positional: list[Any] = []
    keywords: dict[str, Any] = {}
    for word in words:
        key = re.match(r"([A-Za-z_]\w*)=(?!=)", word)
        if key:
            keywords[key[1]] = _value(word[key.end() :])
        else:
            positional.append(_value(word))
    return tuple(positional), keywords


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _last(steps: Iterator[IndexProgress]) -> IndexProgress:
    *_, last = steps
    return last


def _watched(steps: Iterator[IndexProgress]) -> IndexProgress:
    from rich.console import Console  # slow to import
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("indexing", total=None)
        for step in steps:
            progress.update(task, completed=step.done, total=step.total)
            last = step
    return last
