"""`letters`: messages of a running runtime that reached no handler."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Annotated

import typer

from ...protocols.printable import printable
from .remote import NAME, find_runtime
from .transcript import plain

if TYPE_CHECKING:
    from pathlib import Path

    from ...protocols.control import DeadLetter
    from ..machine.rundir import RuntimeFacts


def add_to(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("letters")(letters_command)


def letters_command(
    name: NAME,
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="The latest so many.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Show the dead letters of a running runtime: where they were going, and what stopped them.

    Every node keeps its last 1,000. `passel top` shows how many there were in all.

    **Examples**

    `passel letters pipeline`

    `passel letters pipeline --json -n 1000`
    """
    path, facts = find_runtime(name)
    letters = asyncio.run(_read(path, facts))[-count:]
    if as_json:
        typer.echo(json.dumps([plain(letter) for letter in letters], indent=2))
        return
    if not letters:
        typer.echo("no dead letters")
    for letter in letters:
        way = f"{letter.source} -> {letter.target}.{letter.method}"
        typer.echo(printable(f"{letter.ago:8.1f} s ago  {way}: {letter.reason}"))


async def _read(path: Path, facts: RuntimeFacts) -> list[DeadLetter]:
    from .guest import visit  # it needs sockets

    async with visit(path, facts) as guest:
        return await guest.dead_letters()
