"""What can go wrong around the tool calls of an agent; what goes wrong inside one is told in its answer.

PasselError
└── ToolRunError
    ├── NoToolsError         no tool actor was given, or none is there and offers a tool
    ├── ToolNameTakenError   two tool actors offer unlike tools of one name
    └── UsageUnknownError    tokens or cost are limited, and the model does not say what it took
"""

from __future__ import annotations

from ...protocols.errors import PasselError


class ToolRunError(PasselError):
    """Everything that goes wrong around the tool calls of an agent."""


class NoToolsError(ToolRunError):
    """Raised when there is nothing that a plan could call.

    Attributes:
        absent: Why tool actors did not say what they offer, or empty.
    """

    def __init__(self, absent: str = "") -> None:
        said = f"; those that there are do not answer: {absent}" if absent else ""
        super().__init__(f"there are no tools; give the compiler tool actors that offer some{said}")
        self.absent = absent


class ToolNameTakenError(ToolRunError):
    """Raised when two tool actors offer unlike tools of one name."""

    def __init__(self, tool: str) -> None:
        super().__init__(
            f"two tool actors offer unlike tools named {tool}; rename one of them. Equal ones share "
            "the calls"
        )
        self.tool = tool


class UsageUnknownError(ToolRunError):
    """Raised when tokens or cost are limited, and a model does not say what it took."""

    def __init__(self, who: str) -> None:
        super().__init__(
            f"the {who}'s model reports no usage, so tokens and cost cannot be limited; take those "
            "limits away, or have the server report usage"
        )
        self.who = who
