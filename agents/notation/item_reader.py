"""What readers of plans share: which of the calls that a model writes become tasks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING, Any

from ...protocols.plan import PlannedTask, RefusedTask, TaskId
from .values import ArgumentError, UnknownTaskError

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from ...protocols.plan import Fault, PlanItem

    CheckTask = Callable[[PlannedTask], str]
    ReadArguments = Callable[[Container[int]], tuple[tuple[Any, ...], dict[str, Any]]]
    Broken = tuple[Fault, str]


def _accept(_task: PlannedTask) -> str:
    return ""


@dataclass(eq=False)
class ItemReader(ABC):
    """Takes the text of one plan in pieces and returns its items, in order.

    Whatever is wrong with a call costs that task alone.

    Attributes:
        tools: Names of the tools there are.
        earlier: Numbers of the tasks of earlier rounds, whose results may be referred to.
        check: Says what is wrong with a task's arguments, or nothing; a tool's schema knows.
    """

    tools: Sequence[str]
    _: KW_ONLY
    earlier: Iterable[int] = ()
    check: CheckTask = _accept
    _known: set[int] = field(init=False, repr=False)
    _ended: bool = field(default=False, init=False, repr=False)

    def __post_init__(self) -> None:
        self.tools = tuple(self.tools)
        self._known = set(self.earlier)

    @abstractmethod
    def feed(self, piece: str) -> list[PlanItem]:
        """Take the next piece of text, return the items that it completes."""

    @abstractmethod
    def finish(self) -> list[PlanItem]:
        """The text has ended: return what it leaves open, and the end."""

    def read(self, text: str) -> list[PlanItem]:
        """Return the items of a plan that is whole."""
        return [*self.feed(text), *self.finish()]

    def _item(
        self, number: int, tool: str, text: str, read: ReadArguments | Broken, *, thought: str = ""
    ) -> PlannedTask | RefusedTask:
        """Return the task that a call stands for, or why it stands for none.

        Args:
            number: Its number.
            tool: The tool that it names.
            text: The whole call.
            read: Returns its arguments, given the tasks that they may refer to, or raises an
                `ArgumentError` or `UnknownTaskError`. Else what is wrong with the call as such.
            thought: The thought before it.
        """

        def refuse(fault: Fault, detail: str) -> RefusedTask:
            return RefusedTask(id=TaskId(number), tool=tool, fault=fault, detail=detail, text=text)

        if isinstance(read, tuple) and read[0] == "number" and not number:
            return refuse(*read)  # it takes no number from another task
        if number in self._known:
            return refuse("duplicate", f"there is a task {number} already; go on counting")
        known = frozenset(self._known)
        self._known.add(number)  # also of a refused one: what refers to it is not at fault
        if isinstance(read, tuple):
            return refuse(*read)
        if tool not in self.tools:
            return refuse("tool", f"there is no tool {tool}; there are {', '.join(self.tools)}")
        try:
            arguments, keywords = read(known)
        except UnknownTaskError as error:
            return refuse("reference", str(error))
        except ArgumentError as error:
            return refuse("arguments", str(error))
        task = PlannedTask(
            id=TaskId(number),
            tool=tool,
            arguments=arguments,
            keywords=keywords,
            thought=thought,
            text=text,
        )
        wrong = self.check(task)
        return refuse("arguments", wrong) if wrong else task
