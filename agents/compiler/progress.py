"""A run in the words of a person who watches it: a panel each for planner, tools and joiner."""

from __future__ import annotations

from typing import Final

import msgspec

from ..notation.verdict import Replan
from ..notation.wording import shown
from .messages import (
    Answer,
    Judged,
    PlanGrown,
    RunBegan,
    RunEvent,
    TaskPlanned,
    TaskSettled,
    TaskStarted,
    VerdictGrown,
)

_WIDTH: Final = 60
"""Characters of a result that are shown."""


class Said(msgspec.Struct, frozen=True, kw_only=True, tag="said"):
    """The next piece of a panel's text; the `passel` command shows panels side by side."""

    worker: str
    text: str


class Narrator:
    """Turns the events of one run into text, in order."""

    def __init__(self) -> None:
        self._round = 1
        self._planning = False

    def tell(self, event: RunEvent) -> list[Said | Answer]:
        """Return what is shown of an event."""
        match event:
            case RunBegan(resumed=True):
                return [Said(worker="tools", text="going on with an earlier run\n")]
            case PlanGrown(round=number, text=text):
                self._planning = True
                return [Said(worker="planner", text=self._divider(number) + text)]
            case VerdictGrown(text=text):
                return [*self._end_of_plan(), Said(worker="joiner", text=text)]
            case Judged(verdict=Replan()):
                return [Said(worker="joiner", text="\n")]
            case TaskStarted(at=at, task=task, tool=tool, attempt=attempt):
                again = f", attempt {attempt}" if attempt > 1 else ""
                return [Said(worker="tools", text=f"{at:6.2f} s  {task} {tool} begins{again}\n")]
            case TaskSettled():
                return [Said(worker="tools", text=_settled(event))]
            case Answer():
                return [event]
            case RunBegan() | TaskPlanned() | Judged():
                return []

    def _end_of_plan(self) -> list[Said | Answer]:
        """Return what ends the plan's last line, so that it is not shown behind the verdict."""
        if not self._planning:
            return []
        self._planning = False
        return [Said(worker="planner", text="\n")]

    def _divider(self, number: int) -> str:
        """Return what stands between the plans of two rounds."""
        if number == self._round:
            return ""
        self._round = number
        return "\n"


def _settled(event: TaskSettled) -> str:
    outcome = event.outcome
    head = f"{event.at:6.2f} s  {outcome.id} {outcome.tool}"
    if outcome.ending == "done":
        text = " ".join(shown(outcome.result).split())
    else:
        text = f"{outcome.ending}: {' '.join(outcome.error.split())}"
    return f"{head} = {text if len(text) <= _WIDTH else text[: _WIDTH - 3] + '...'}\n"
