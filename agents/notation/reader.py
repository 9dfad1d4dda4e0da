"""Reads a plan while it is written: calls become tasks, or are refused one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...protocols.plan import JOIN, PlanEnded, PlanItem, PlannedTask, RefusedTask, TaskId
from .scanner import MAX_CALL_CHARACTERS, CallText, Scanner
from .values import ArgumentError, UnknownTaskError, read_arguments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ...protocols.plan import Fault

    CheckTask = Callable[[PlannedTask], str]


class PlanReader:
    """Takes the text of one plan in pieces and returns its items, in order.

    Whatever is wrong with a call costs that task alone. Reading stops at `join`.

    Args:
        tools: Names of the tools there are.
        earlier: Numbers of the tasks of earlier rounds, whose results may be referred to.
        check: Says what is wrong with a task's arguments, or nothing; a tool's schema knows.
    """

    def __init__(
        self,
        tools: Iterable[str],
        *,
        earlier: Iterable[int] = (),
        check: CheckTask = lambda _task: "",
    ) -> None:
        self._tools = tuple(tools)
        self._known = set(earlier)
        self._check = check
        self._scanner = Scanner()
        self._ended = False

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
            if call.tool == JOIN and call.closed:
                self._ended = True
                found.append(PlanEnded(joined=True, thought=call.thought))
                return found
            found.append(self._item(call))
        if over:
            self._ended = True
            found.append(PlanEnded(joined=False, thought=self._scanner.thought))
        return found

    def _item(self, call: CallText) -> PlannedTask | RefusedTask:
        if call.id in self._known:
            detail = f"there is a task {call.id} already; go on counting"
            return self._refuse(call, "duplicate", detail)
        known = frozenset(self._known)
        self._known.add(call.id)  # also of a refused one: what refers to it is not at fault
        if call.oversized:
            detail = f"the call is longer than {MAX_CALL_CHARACTERS} characters"
            return self._refuse(call, "size", detail)
        if not call.closed:
            return self._refuse(call, "unclosed", "the call has no closing parenthesis")
        if call.tool not in self._tools:
            detail = f"there is no tool {call.tool}; there are {', '.join(self._tools)}"
            return self._refuse(call, "tool", detail)
        try:
            arguments, keywords = read_arguments(call.arguments, known)
        except UnknownTaskError as error:
            return self._refuse(call, "reference", str(error))
        except ArgumentError as error:
            return self._refuse(call, "arguments", str(error))
        task = PlannedTask(
            id=TaskId(call.id),
            tool=call.tool,
            arguments=arguments,
            keywords=keywords,
            thought=call.thought,
            text=call.text,
        )
        wrong = self._check(task)
        return self._refuse(call, "arguments", wrong) if wrong else task

    @staticmethod
    def _refuse(call: CallText, fault: Fault, detail: str) -> RefusedTask:
        return RefusedTask(
            id=TaskId(call.id), tool=call.tool, fault=fault, detail=detail, text=call.text
        )
