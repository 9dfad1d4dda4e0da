"""What can go wrong around a run; what goes wrong inside one is told in its answer.

PasselError
└── CompilerError
    ├── NoToolsError         no tool actor was given, or none is there and offers a tool
    ├── ToolNameTakenError   two tool actors offer unlike tools of one name
    ├── UsageUnknownError    tokens or cost are limited, and the model does not say what it took
    ├── JournalBoundsError   a journal that would keep nothing
    └── PlanFileError        a file is no plan that can be read
"""

from __future__ import annotations

from ...protocols.errors import PasselError


class CompilerError(PasselError):
    """Everything that goes wrong around a run."""


class NoToolsError(CompilerError):
    """Raised when there is nothing that a plan could call.

    Attributes:
        absent: Why tool actors did not say what they offer, or empty.
    """

    def __init__(self, absent: str = "") -> None:
        said = f"; those that there are do not answer: {absent}" if absent else ""
        super().__init__(f"there are no tools; give the compiler tool actors that offer some{said}")
        self.absent = absent


class ToolNameTakenError(CompilerError):
    """Raised when two tool actors offer unlike tools of one name."""

    def __init__(self, tool: str) -> None:
        super().__init__(
            f"two tool actors offer unlike tools named {tool}; rename one of them. Equal ones share "
            "the calls"
        )
        self.tool = tool


class UsageUnknownError(CompilerError):
    """Raised when tokens or cost are limited, and a model does not say what it took."""

    def __init__(self, who: str) -> None:
        super().__init__(
            f"the {who}'s model reports no usage, so tokens and cost cannot be limited; take those "
            "limits away, or have the server report usage"
        )
        self.who = who


class JournalBoundsError(CompilerError):
    """Raised when the bounds of a run journal let it keep nothing."""

    def __init__(self, runs: int, max_age: float) -> None:
        super().__init__(
            f"a journal of {runs} runs for {max_age:g} seconds keeps nothing; give `runs` of 1 or more "
            "and a `max_age` above 0"
        )
        self.runs = runs
        self.max_age = max_age


class PlanFileError(CompilerError):
    """Raised when a file is no plan that can be read."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason
