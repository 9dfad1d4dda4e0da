"""Functions and actors that the tests of tools use."""

from __future__ import annotations

import asyncio
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import numpy as np

from passel import Actor, ActorRef, handler
from passel.actors.tools import Toolbox, tool
from passel.protocols.tools import ToolCall


@dataclass
class Place:
    """A place on a map."""

    name: str
    height: float = 0.0


MEETING = threading.Barrier(4)


@tool(concurrency=4, idempotent=True)
def meet(who: str) -> str:
    """Wait in a thread until four have come.

    Args:
        who: Whoever comes.
    """
    MEETING.wait(timeout=10.0)
    return f"met {who}"


@tool(name="climb", timeout=5.0)
async def climb_to(
    place: Place,
    steps: Annotated[int, msgspec.Meta(ge=1, le=100)],
    pace: Literal["slow", "fast"] = "slow",
    notes: list[str] | None = None,
) -> Place:
    """Climb to a place.

    It is reached in steps.

    Args:
        place: Where to.
        steps: How many steps,
            each a metre high.
        pace: How fast.
        notes: Each makes the place a metre higher.

    Returns:
        The place, higher.
    """
    return Place(place.name, place.height + steps + len(notes or []) + (pace == "fast"))


@tool(timeout=0.05)
def stall() -> None:
    """Wait in a thread for ever."""
    threading.Event().wait()


@tool(timeout=600.0)
def doze() -> None:
    """Wait in a thread for ever, and be given long for it."""
    threading.Event().wait()


def echo(text: str) -> str:
    """Return the text."""
    return text


def explode(how: str) -> None:
    """Fail."""
    errors: dict[str, BaseException] = {
        "value": ValueError("no such thing"),
        "stop": StopIteration("enough"),
        "exit": SystemExit(3),
        "timeout": TimeoutError("its own"),
    }
    raise errors[how]


async def explode_softly(how: str) -> None:
    """Fail in the event loop."""
    if how == "cancelled":
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        future.cancel()
        await future
    if how == "exit":
        sys.exit(3)
    explode(how)


def strange() -> object:
    """Return what cannot travel."""
    return object()


def odd() -> object:
    """Return what is numpy's and cannot travel."""
    return np.sin


def records() -> dict[str, object]:
    """Return records and sets."""
    return {"place": Place("Brocken", 1141.0), "both": {7}, "pair": (1, "two")}


async def sign(file: str) -> str:
    """Add a line to a file."""
    with Path(file).open("a") as paper:  # noqa: ASYNC230  # a line
        paper.write("signed\n")
    return f"signed {Path(file).name}"


class Buyer(Actor):
    """Has something signed."""

    def __init__(self, *, tools: ActorRef[Toolbox], folder: str) -> None:
        self._tools = tools
        self._file = str(Path(folder) / "paper")

    @handler
    async def buy(self) -> str:
        """Return what became of it."""
        call = ToolCall(tool="sign", arguments=(self._file,), key="order-17")
        return str(await self._tools.call.options(timeout=60.0)(call))
