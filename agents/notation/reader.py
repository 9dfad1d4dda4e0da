"""Reads a plan while it is written: calls become tasks, or are refused one by one."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from ...protocols.plan import JOIN, PlanEnded, PlanItem, PlannedTask, RefusedTask
from .item_reader import ItemReader
from .scanner import MAX_CALL_CHARACTERS, CallText, Scanner
from .values import read_arguments

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .item_reader import Broken, ReadArguments


@dataclass(eq=False)
class PlanReader(ItemReader):
    """Reads a plan that is written as calls, one a line; see `ItemReader`. It stops at `join`."""

    _scanner: Scanner = field(init=False, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._scanner = Scanner(self.tools)

    def feed(self, piece: str) -> list[PlanItem]:
        """Take the next piece of text, return the items that it completes."""
        if self._ended:
            return []
        return self._items(self._scanner.feed(piece), over=self._scanner.ended)

    def finish(self) -> list[PlanItem]:
        """The text has ended: return what it leaves open, and the end."""
        if self._ended:
            return []
        return self._items(self._scanner.finish(), over=True)

    def _items(self, calls: Iterable[CallText], *, over: bool) -> list[PlanItem]:
        found: list[PlanItem] = []
        for call in calls:
            if call.tool == JOIN and call.closed and not call.wrong:
                self._ended = True
                found.append(PlanEnded(joined=True, thought=call.thought))
                return found
            found.append(self._task(call))
        if over:
            self._ended = True
            found.append(PlanEnded(joined=False, thought=self._scanner.thought))
        return found

    def _task(self, call: CallText) -> PlannedTask | RefusedTask:
        read: ReadArguments | Broken = partial(read_arguments, call.arguments)
        if call.wrong:
            read = (
                "number",
                f"its line begins `{call.wrong}`; write `{call.id or 'N'}. {call.tool}(`",
            )
        elif call.oversized:
            read = "size", f"the call is longer than {MAX_CALL_CHARACTERS} characters"
        elif not call.closed:
            read = "unclosed", "the call has no closing parenthesis"
        return self._item(call.id, call.tool, call.text, read, thought=call.thought)
