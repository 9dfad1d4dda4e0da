"""The tools of several tool actors under one roof."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import msgspec

from ...protocols.errors import DeadActorError, PasselError
from ...protocols.tools import ToolCall
from .errors import NoToolsError, ToolNameTakenError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...actors import ActorRef
    from ...actors.tools import Toolbox
    from ...protocols.tools import ToolPolicy, ToolSpec
    from .start_call import StartCall

ANSWER_SECONDS: Final = 1.0
"""How much longer than the tool itself its answer may take: the tool's own error says more."""


class Catalogue:
    """Knows which actor has which tool, and calls it there.

    Where several actors offer the same tool, each call goes to the one with the fewest under way,
    and a repeated call prefers one that it was not at before. One that was not there when it was
    called last comes after all others; while its node is started again it is waited for.

    Args:
        offers: What each actor offers.
        before: What was known until now: calls under way at its places are counted on.

    Raises:
        NoToolsError: There is no tool at all.
        ToolNameTakenError: Two actors offer unlike tools of one name.
    """

    def __init__(
        self,
        offers: Sequence[tuple[ActorRef[Toolbox], Sequence[ToolSpec]]],
        *,
        before: Catalogue | None = None,
    ) -> None:
        self._places: dict[str, list[Place]] = {}
        self._unanswered: dict[Place, list[str]] = {}
        specs: dict[str, ToolSpec] = {}
        for box, offered in offers:
            for spec in offered:
                if specs.setdefault(spec.name, spec) != spec:
                    raise ToolNameTakenError(spec.name)
                place = None if before is None else before.place(spec.name, box)
                place = place or Place(box)
                place.gone = False
                self._places.setdefault(spec.name, []).append(place)
        if not specs:
            raise NoToolsError
        self.specs: tuple[ToolSpec, ...] = tuple(specs.values())

    @property
    def policies(self) -> dict[str, ToolPolicy]:
        """How each tool may be called; several places allow so many times the calls at once."""
        return {
            spec.name: msgspec.structs.replace(
                spec.policy, concurrency=spec.policy.concurrency * len(self._places[spec.name])
            )
            for spec in self.specs
        }

    def place(self, tool: str, box: ActorRef[Toolbox]) -> Place | None:
        """Return the place of a tool at an actor, if it is known there."""
        places = (place for place in self._places.get(tool, ()) if place.box is box)
        return next(places, None)

    async def call(self, start: StartCall) -> Any:
        """Call a tool where it is; every attempt of a task has the same key.

        Raises:
            ToolError: The tool says so.
            DeadActorError: Its actor or node is gone.
            DeadlineError: It did not answer in its time.
        """
        places = self._places[start.tool]
        turn = start.attempt - 1
        place = min(
            (places[(turn + index) % len(places)] for index in range(len(places))),
            key=lambda candidate: (candidate.gone, candidate.running),
        )
        call = ToolCall(
            tool=start.tool, arguments=start.arguments, keywords=start.keywords, key=start.key
        )
        place.running += 1
        try:
            if place.gone:
                await place.box.tools.options(key=True)()
                place.gone = False
            return await place.box.call.options(timeout=start.timeout + ANSWER_SECONDS)(call)
        except BaseException as error:
            if isinstance(error, DeadActorError):
                place.gone = True
            self._unanswered.setdefault(place, []).append(start.key)
            raise
        finally:
            place.running -= 1

    def withdraw(self) -> None:
        """Tell tool actors that nobody comes back for calls that have no result: the run is over."""
        for place, keys in self._unanswered.items():
            with suppress(PasselError):  # it cannot be told, and shows that nobody waits there
                place.box.withdraw.tell_nowait(keys)
        self._unanswered.clear()


class Place:
    """One actor that has a tool, how many calls of that are under way, and whether it has gone."""

    __slots__ = ("box", "gone", "running")

    def __init__(self, box: ActorRef[Toolbox]) -> None:
        self.box = box
        self.gone = False
        self.running = 0


async def gather(
    boxes: Sequence[ActorRef[Toolbox]], *, before: Catalogue | None = None, log: Any = None
) -> Catalogue:
    """Ask tool actors what they offer now; one whose node is being restarted is waited for.

    One that is not there, or does not say it in time, is left out and logged, unless all are.

    Args:
        boxes: The actors.
        before: What they offered when they were asked last.
        log: Where it is said that one was left out.

    Raises:
        NoToolsError: There is no tool at all, or no actor is there.
        ToolNameTakenError: Two actors offer unlike tools of one name.
    """
    async with asyncio.TaskGroup() as group:
        asked = [(box, group.create_task(_offer_of(box))) for box in boxes]
    offers: list[tuple[ActorRef[Toolbox], tuple[ToolSpec, ...]]] = []
    absent: list[PasselError] = []
    for box, task in asked:
        offer = task.result()
        if isinstance(offer, PasselError):
            absent.append(offer)
        else:
            offers.append((box, offer))
    if absent and not offers:
        raise NoToolsError("; ".join(map(str, absent)))
    for error in absent:
        if log is not None:
            log.warning("a tool actor is left out", error=str(error))
    return Catalogue(offers, before=before)


async def _offer_of(box: ActorRef[Toolbox]) -> tuple[ToolSpec, ...] | PasselError:
    """Return what a tool actor offers, or why it does not say it."""
    try:
        return await box.tools.options(key=True)()
    except PasselError as error:
        return error
