"""What can go wrong when a tool is defined or called.

PasselError
└── ToolError
    ├── ToolDefinitionError   something that was handed in cannot be a tool
    ├── DocumentIndexError    an index of documents cannot be built or searched
    ├── McpServerError        an MCP server could not be started or was lost
    ├── RefusedUrlError       a URL that may not be fetched
    ├── UnknownApprovalError  there is no request for approval of this number
    ├── ApprovalDecidedError  the other word was given before
    ├── ToolDeniedError       somebody has denied the call
    ├── UnknownToolError      the actor has no tool of this name
    ├── ToolArgumentsError    the arguments of a call do not fit its tool
    ├── ToolKeyError          a call has the key of another one
    ├── ToolInterruptedError  an earlier call with the key was cut short; it is not made again
    ├── ToolBusyError         calls that nobody can interrupt take all of a tool's places
    ├── ToolTimeoutError      the tool did not answer in its time (also a TimeoutError)
    └── ToolFailedError       the tool itself failed; carries its own words
        └── CommandFailedError  ... and is a program: exit code or signal, and its last lines
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...protocols.errors import PasselError

if TYPE_CHECKING:
    from collections.abc import Iterable


_LINES_QUOTED = 5
"""How many of a program's last lines its error quotes; the attribute has more."""


class ToolError(PasselError):
    """Everything that goes wrong with a tool; handlers of tool actors declare it."""


class ToolDefinitionError(ToolError):
    """Raised when something that was handed in cannot be a tool."""

    def __init__(self, what: str, *, reason: str) -> None:
        super().__init__(f"{what} cannot be a tool: {reason}")
        self.what = what
        self.reason = reason


class DocumentIndexError(ToolError):
    """Raised when an index of documents cannot be built or searched."""

    def __init__(self, path: str, *, reason: str) -> None:
        super().__init__(f"index of documents {path}: {reason}")
        self.path = path
        self.reason = reason


class McpServerError(ToolError):
    """Raised when an MCP server could not be started, or was lost."""

    def __init__(self, server: str, *, reason: str) -> None:
        super().__init__(f"MCP server {server}: {reason}")
        self.server = server
        self.reason = reason


class RefusedUrlError(ToolError):
    """Raised when a URL, or what it leads to, may not be fetched."""

    def __init__(self, url: str, *, reason: str) -> None:
        super().__init__(f"{url} may not be fetched: {reason}")
        self.url = url
        self.reason = reason


class UnknownApprovalError(ToolError):
    """Raised when no request for approval has the number."""

    def __init__(self, request: int, *, waiting: Iterable[int]) -> None:
        numbers = ", ".join(map(str, waiting)) or "none"
        super().__init__(f"there is no request {request}; waiting are: {numbers}")
        self.request = request


class ApprovalDecidedError(ToolError):
    """Raised when a request for approval is decided otherwise than before."""

    def __init__(self, request: int, verdict: str) -> None:
        super().__init__(f"request {request} was decided before: {verdict}; that stands")
        self.request = request
        self.verdict = verdict


class ToolDeniedError(ToolError):
    """Raised when somebody has denied a call.

    Attributes:
        tool: Name of the tool.
        note: What was said with it.
    """

    def __init__(self, tool: str, note: str) -> None:
        said = f": {note}" if note else ""
        super().__init__(f"tool {tool}: the call was denied{said}")
        self.tool = tool
        self.note = note


class UnknownToolError(ToolError):
    """Raised when an actor has no tool of the name that was called."""

    def __init__(self, tool: str, *, known: Iterable[str]) -> None:
        names = ", ".join(sorted(known)) or "none"
        super().__init__(f"there is no tool {tool!r} here; there are: {names}")
        self.tool = tool


class ToolArgumentsError(ToolError):
    """Raised when the arguments of a call do not fit its tool; nothing was called.

    Attributes:
        tool: Name of the tool.
        argument: Name of the argument that does not fit.
        reason: What is wrong with it, and what mends that.
    """

    def __init__(self, tool: str, argument: str, *, reason: str) -> None:
        super().__init__(f"tool {tool}: argument {argument!r} {reason}")
        self.tool = tool
        self.argument = argument
        self.reason = reason


class ToolKeyError(ToolError):
    """Raised when a call has a key that stands for another call already."""

    def __init__(self, tool: str, key: str) -> None:
        super().__init__(f"tool {tool}: the key {key!r} belongs to another call; give each its own")
        self.tool = tool
        self.key = key


class ToolInterruptedError(ToolError):
    """Raised when an earlier call with the same key was cut short, and may not be made twice."""

    def __init__(self, tool: str, key: str) -> None:
        super().__init__(
            f"tool {tool}: the call with the key {key!r} was cut short, and how far it came is not "
            "known; call with a new key if doing it twice does no harm"
        )
        self.tool = tool
        self.key = key


class ToolBusyError(ToolError):
    """Raised when all places of a tool are taken by calls that ran out of time and still run."""

    def __init__(self, tool: str, places: int) -> None:
        super().__init__(
            f"tool {tool}: all its {places} places are taken by calls that ran out of time and "
            "cannot be interrupted; let the function end by itself, or raise its concurrency"
        )
        self.tool = tool
        self.places = places


class ToolTimeoutError(ToolError, TimeoutError):
    """Raised when a tool did not answer in the time that its policy gives it."""

    def __init__(self, tool: str, seconds: float) -> None:
        super().__init__(f"tool {tool} did not answer within {seconds:g} s")
        self.tool = tool
        self.seconds = seconds


class ToolFailedError(ToolError):
    """Raised when a tool itself failed.

    Attributes:
        tool: Name of the tool.
        kind: Name of the class of its error, or what else tells failures apart.
        detail: What it said.
    """

    def __init__(self, tool: str, kind: str, detail: str) -> None:
        super().__init__(
            f"tool {tool} failed: {kind}: {detail}" if detail else f"tool {tool} failed: {kind}"
        )
        self.tool = tool
        self.kind = kind
        self.detail = detail


class CommandFailedError(ToolFailedError):
    """Raised when a program failed, could not be run, or was ended.

    Attributes:
        exit_code: Its exit code, or None.
        signal: Name of the signal that ended it, or None.
        stderr: The last that it wrote to its standard error.
    """

    def __init__(
        self,
        tool: str,
        reason: str,
        *,
        exit_code: int | None = None,
        signal: str | None = None,
        stderr: str = "",
    ) -> None:
        lines = stderr.strip().splitlines()[-_LINES_QUOTED:]
        said = "".join(f"\n    {line}" for line in lines)
        super().__init__(tool, reason, f"its last lines:{said}" if said else "")
        self.exit_code = exit_code
        self.signal = signal
        self.stderr = stderr
