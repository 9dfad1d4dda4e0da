"""`ps`, `ask` and `stop`: commands for runtimes that are running, found by name."""

from __future__ import annotations

import asyncio
import json
import os
import re
import select
import signal
import sys
import time
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from ...protocols.errors import PasselError
from ...protocols.printable import printable, printable_json
from .errors import CommandError, RuntimeNotFoundError, UsageProblemError
from .report import code_of, report
from .transcript import plain, text_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ...protocols.control import GroupStatus, HandlerInfo
    from ..machine.rundir import RuntimeFacts
    from .guest import NodeLook

NAME = Annotated[
    str, typer.Argument(help="A runtime's name, or NAME-PID as `ps` shows it.", show_default=False)
]


def add_to(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("ps")(ps_command)
    app.command("ask")(ask_command)
    app.command("stop")(stop_command)


def find_runtime(name: str) -> tuple[Path, RuntimeFacts]:
    """Return the one running runtime of a name, or of a `NAME-PID`.

    Raises:
        RuntimeNotFoundError: There is none, or there are several.
    """
    from ..machine.rundir import running  # the other commands of this group need no more

    alive = running()
    found = [entry for entry in alive if name in (entry[1].name, entry[0].name)]
    if len(found) != 1:
        candidates = [path.name for path, _ in found or alive]
        raise RuntimeNotFoundError(name, candidates, ambiguous=bool(found))
    return found[0]


def ps_command(
    name: Annotated[str, typer.Argument(help="Only this runtime.", show_default=False)] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Show the runtimes that are running, with their nodes and actors.

    **Examples**

    `passel ps`

    `passel ps pipeline --json`
    """
    from ..machine.rundir import running

    chosen = [find_runtime(name)] if name else running()
    rows = asyncio.run(_look(chosen))
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    if not rows:
        typer.echo("nothing is running")
    for row in rows:
        _print_runtime(row)


async def _look(chosen: Sequence[tuple[Path, RuntimeFacts]]) -> list[dict[str, Any]]:
    rows = []
    for path, facts in chosen:
        row: dict[str, Any] = {
            "name": facts.name,
            "id": path.name,
            "pid": facts.pid,
            "seconds": round(time.time() - facts.started, 1),
            "topology": facts.topology,
        }
        try:
            looks, groups = await _look_at(path, facts)
            row |= {"nodes": [as_data(look) for look in looks], "groups": plain(groups)}
        except PasselError as error:
            row |= {"nodes": [], "error": str(error)}
        rows.append(row)
    return rows


async def _look_at(path: Path, facts: RuntimeFacts) -> tuple[list[NodeLook], list[GroupStatus]]:
    from .guest import visit  # it needs sockets

    async with visit(path, facts) as guest:
        return await guest.look(), await guest.groups()


def as_data(look: NodeLook) -> dict[str, Any]:
    """Return a look at a node as `ps --json` prints it: its counters, and how it is."""
    info, status = look.info, look.status
    counters = plain(look.statistics) if look.statistics else {"actors": []}
    if status is not None:
        counters |= {"state": status.state, "clock_offset": status.clock_offset}
    named = {"node": info.node, "life": info.life, "pid": info.pid}
    return {**named, "answers": look.statistics is not None, **counters}


def _print_runtime(row: dict[str, Any]) -> None:
    typer.secho(f"{row['id']}", bold=True, nl=False)
    typer.echo(f"  up {row['seconds']:.0f} s  {row['topology']}".rstrip())
    if "error" in row:
        typer.secho(printable(f"  does not answer: {row['error']}"), fg="yellow")
    for group in row.get("groups", ()):
        count = len(group["members"])
        typer.echo(
            f"  group {group['name']} ({group['strategy']}) {group['state']}, "
            f"{count} member{'' if count == 1 else 's'}, restarts {group['restarts']}"
        )
        if group["last_failure"]:
            typer.secho(printable(f"    failed: {group['last_failure']}"), fg="yellow")
    for node in row["nodes"]:
        facts = f"process {node['pid']}, life {node['life']}"
        state = node.get("state", "alive")
        typer.echo(f"  {node['node']} ({facts}){'' if state == 'alive' else f' {state}'}")
        if not node["answers"]:
            typer.secho("    does not answer", fg="yellow")
        for actor in node["actors"]:
            typer.echo(
                f"    {actor['name']:<24} {actor['class_name']:<20} {actor['state']:<10} "
                f"mailbox {actor['mailbox']:<6} handled {actor['handled']:<9} "
                f"restarts {actor['restarts']:<4} {actor['group']}".rstrip()
            )
            if actor["last_failure"]:
                typer.secho(printable(f"      failed: {actor['last_failure']}"), fg="yellow")


def ask_command(
    name: NAME,
    actor: Annotated[str, typer.Argument(help="A named actor.", show_default=False)],
    method: Annotated[str, typer.Argument(help="One of its handlers.", show_default=False)],
    args: Annotated[
        list[str] | None,
        typer.Argument(help="Arguments: key=value, or values as JSON.", show_default=False),
    ] = None,
    timeout: Annotated[
        float, typer.Option(min=0, help="Seconds to wait; 0 waits for ever.")
    ] = 60.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
    traceback: Annotated[
        bool, typer.Option("--traceback", help="Show an error with every traceback there is.")
    ] = False,
) -> None:
    """Ask an actor of a running runtime; print its answer, or a stream's items as they come.

    A value is JSON where it parses as such, and text otherwise.

    **Examples**

    `passel ask pipeline reader read name=abc.py`

    `passel ask crew counter add 4`

    `passel ask crew store put '{"colour": "red"}' key=seven --json`
    """
    path, facts = find_runtime(name)
    limit = timeout or None
    try:
        asyncio.run(_ask(path, facts, actor, method, args or [], limit, as_json))
    except PasselError as error:
        report(error, whole=traceback, asked=True)
        raise typer.Exit(code_of(error)) from None


async def _ask(
    path: Path,
    facts: RuntimeFacts,
    actor: str,
    method: str,
    args: Sequence[str],
    timeout: float | None,
    as_json: bool,
) -> None:
    from ..topology.problem import suggestion
    from .guest import visit  # it needs sockets

    async with visit(path, facts) as guest:
        address = await guest.find(actor)
        handlers = await guest.handlers(address)
        if method not in handlers:
            mend = suggestion(method, handlers)
            raise UsageProblemError(f"{actor} has no handler {method}", mend)
        info = handlers[method]
        arguments = bind_arguments(info, args)
        if not info.is_stream:
            _print_value(await guest.ask(address, method, arguments, timeout), as_json=as_json)
            return
        async for item in guest.stream(address, method, arguments, timeout):
            _print_value(item, as_json=as_json)


def bind_arguments(info: HandlerInfo, words: Sequence[str]) -> list[Any]:
    """Return a handler's arguments in order, from words as a user types them.

    Raises:
        UsageProblemError: One is unknown, given twice or missing.
    """
    from ..topology.problem import suggestion

    values: dict[str, Any] = {}
    positions = iter(info.parameters)
    for word in words:
        key = re.match(r"([A-Za-z_]\w*)=", word)
        if key:
            parameter = key[1]
            value = parse_value(word[key.end() :])
        else:
            following = next((p for p in positions if p not in values), None)
            if following is None:
                raise UsageProblemError(f'"{word}" is one too many', f"it is {info.signature}")
            parameter, value = following, parse_value(word)
        if parameter not in info.parameters:
            mend = suggestion(parameter, info.parameters)
            raise UsageProblemError(f'{info.name} takes no argument "{parameter}"', mend)
        if parameter in values:
            raise UsageProblemError(f'"{parameter}" is given twice', "give it once")
        values[parameter] = value
    missing = [p for p in info.parameters if p not in values and p not in info.defaults]
    if missing:
        mend = f"add {missing[0]}=...; it is {info.signature}"
        raise UsageProblemError(f'{info.name} needs "{missing[0]}"', mend)
    return [values[p] if p in values else info.defaults[p] for p in info.parameters]


def parse_value(text: str) -> Any:
    """Return a value typed on the command line: JSON where it is that, else the text itself."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return text


def _print_value(value: object, *, as_json: bool) -> None:
    text = (
        printable_json(json.dumps(plain(value), ensure_ascii=False)) if as_json else text_of(value)
    )
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def stop_command(
    name: NAME,
    timeout: Annotated[float, typer.Option(min=0, help="Seconds to wait for its end.")] = 30.0,
) -> None:
    """Stop a running runtime in order, and wait until it is gone.

    Its leader gets SIGTERM, as from `kill`: `passel run` then stops in order and leaves with 143. A
    program that embeds a runtime decides itself what SIGTERM means; its nodes end with it.

    **Examples**

    `passel stop pipeline`
    """
    path, facts = find_runtime(name)
    try:
        descriptor = os.pidfd_open(facts.pid)
    except ProcessLookupError:
        typer.echo(f"{path.name} had just ended")
        return
    try:
        signal.pidfd_send_signal(descriptor, signal.SIGTERM)
        ready, _, _ = select.select([descriptor], [], [], timeout)
    finally:
        os.close(descriptor)
    if not ready:
        raise StillRunningError(path.name, facts.pid, timeout)
    typer.echo(f"stopped {path.name}")


class StillRunningError(CommandError):
    """Raised when a runtime does not end in time."""

    def __init__(self, name: str, pid: int, seconds: float) -> None:
        super().__init__(
            f"{name} (process {pid}) still runs after {seconds:g} s; "
            "run `passel stop` again to kill it, or wait with --timeout"
        )
