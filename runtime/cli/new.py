"""`new`: a small project that runs at once."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from .errors import UsageProblemError

_TOPOLOGY = """\
# Run it: passel run topology.yaml
# Look first: passel check topology.yaml; passel graph topology.yaml -o topology.svg
version: 1
name: @NAME@
params:
  greeters: 2
  guests: [Ada, Alan, Grace, Edsger]
nodes:
  side: {count: ${greeters}}          # each a process of its own
actors:
  greeter:
    class: "@MODULE@:Greeter"
    node: side
    replicas: ${greeters}
    args: {word: Hello}
  host:                               # without a node: beside the leader
    class: "@MODULE@:Host"
    args: {greeters: {refs: greeter}}
main: {actor: host, ask: welcome, args: {guests: ${guests}}}
"""

_MODULE = '''\
"""The actors of @NAME@."""

from __future__ import annotations

import asyncio
import os

from passel import Actor, ActorRef, handler


class Greeter(Actor):
    """Greets people from a process of its own."""

    def __init__(self, *, word: str) -> None:
        self.word = word

    @handler
    async def greet(self, name: str) -> str:
        """Return a greeting that says which process wrote it."""
        return f"{self.word}, {name}! (process {os.getpid()})"


class Host(Actor):
    """Hands its guests round the greeters."""

    def __init__(self, *, greeters: list[ActorRef[Greeter]]) -> None:
        self.greeters = greeters

    @handler
    async def welcome(self, guests: list[str]) -> list[str]:
        """Ask for all greetings at once and return them in the order of the guests."""
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self.greeters[index % len(self.greeters)].greet(guest))
                for index, guest in enumerate(guests)
            ]
        return [task.result() for task in tasks]
'''

_TEST = '''\
"""Runs the topology as `passel run` does."""

from __future__ import annotations

import asyncio
from pathlib import Path

from passel import Runtime

TOPOLOGY = Path(__file__).parent / "topology.yaml"


async def _welcome() -> list[str]:
    async with Runtime.from_topology(TOPOLOGY, {"params.guests": ["Barbara"]}) as runtime:
        return await runtime.main()


def test_every_guest_is_greeted() -> None:
    assert asyncio.run(_welcome())[0].startswith("Hello, Barbara!")
'''

_README = """\
# @NAME@

A Passel project: `topology.yaml` says which actors run in which process, `@MODULE@.py` what they do.

```
passel check topology.yaml                      # keys, classes, arguments, wiring
passel run topology.yaml                        # prints the greetings
passel run topology.yaml --set params.greeters=3
passel graph topology.yaml -o topology.svg
pytest
```
"""


def add_to(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("new")(new_command)


def new_command(
    name: Annotated[str, typer.Argument(help="Name of the project and of its folder.")],
) -> None:
    """Write a small project: a topology, a module with two actors, a test and a README.

    **Examples**

    `passel new crew && cd crew && passel run topology.yaml`
    """
    folder = Path(name)
    project = folder.name
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]{0,63}", project):
        mend = 'use letters, digits, "_" and "-", no digit first'
        raise UsageProblemError(f'"{project}" cannot be a name', mend)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageProblemError(f"{folder} exists and is not empty", "choose another name")
    module = project.replace("-", "_") + "_actors"
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in (
        ("topology.yaml", _TOPOLOGY),
        (f"{module}.py", _MODULE),
        (f"test_{module}.py", _TEST),
        ("README.md", _README),
    ):
        content = text.replace("@NAME@", project).replace("@MODULE@", module)
        (folder / file).write_text(content, encoding="utf-8")
    typer.echo(f"wrote {folder}; now: cd {folder} && passel run topology.yaml")
