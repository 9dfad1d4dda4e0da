"""`logs`: what the nodes of a running runtime have written."""

from __future__ import annotations

import asyncio
import re
import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from ...protocols.printable import printable
from .errors import LogNotFoundError
from .remote import NAME, find_runtime

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ..machine.rundir import RuntimeFacts

_POLL_SECONDS = 0.2


def add_to(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("logs")(logs_command)


def logs_command(
    name: NAME,
    of: Annotated[
        str, typer.Argument(help="Only this node, or only lines of this actor.", show_default=False)
    ] = "",
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until the runtime ends.")
    ] = False,
) -> None:
    """Print what the node processes of a running runtime have written.

    The leader writes to the terminal, or wherever, that its program was started in. Logs go with the run
    directory when the runtime ends.

    **Examples**

    `passel logs pipeline`

    `passel logs pipeline team-0 -f`
    """
    path, facts = find_runtime(name)
    nodes = sorted({file.name.split(".")[0] for file in path.glob("*.log")})
    node, actor = (of, "") if of in nodes else ("", of)
    empty = True
    if actor and follow:
        _require_actor(actor, nodes, path, facts)
    for line in read_logs(path, node=node, actor=actor, follow=follow):
        sys.stdout.write(printable(line))
        sys.stdout.flush()
        empty = False
    if actor and empty and not follow:
        _require_actor(actor, nodes, path, facts)
        typer.echo(f"no line of a node's log names {actor}", err=True)


def _require_actor(actor: str, nodes: Sequence[str], path: Path, facts: RuntimeFacts) -> None:
    """Refuse a name that is neither a node's nor a living actor's.

    Raises:
        LogNotFoundError: It is not; it says what there is.
        PasselError: The leader does not answer.
    """
    actors = asyncio.run(_actors(path, facts))
    if actor not in actors:
        raise LogNotFoundError(actor, nodes, actors)


async def _actors(path: Path, facts: RuntimeFacts) -> list[str]:
    from .guest import visit  # it needs sockets

    async with visit(path, facts) as guest:
        return await guest.names()


def read_logs(path: Path, *, node: str, actor: str, follow: bool) -> Iterator[str]:
    """Yield the lines of a run directory's logs, each after its node's name.

    Args:
        path: The run directory.
        node: Only this node's; empty for all.
        actor: Only lines that name this actor; empty for all.
        follow: Wait for more until the runtime is gone.
    """
    offsets: dict[Path, int] = {}
    names_actor = re.compile(rf"(?<![\w-]){re.escape(actor)}(?![\w-])")
    while True:
        alive = path.exists()
        for file in sorted(path.glob(f"{node or '*'}.*.log")):
            for line in _new_lines(file, offsets, whole=follow and alive):
                if not actor or names_actor.search(line):
                    yield f"{file.name.split('.')[0]} | {line}"
        if not (follow and alive):
            return
        time.sleep(_POLL_SECONDS)


def _new_lines(file: Path, offsets: dict[Path, int], *, whole: bool) -> Iterator[str]:
    """Yield lines not read before; with `whole`, leave an unfinished one for the next time."""
    try:
        with file.open("rb") as stream:
            stream.seek(offsets.get(file, 0))
            for line in stream:
                if whole and not line.endswith(b"\n"):
                    return
                offsets[file] = offsets.get(file, 0) + len(line)
                yield line.decode(errors="replace").rstrip("\n") + "\n"
    except FileNotFoundError:
        return
