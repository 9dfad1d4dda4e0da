"""What a tool says of itself, and how one of its calls is asked for."""

from __future__ import annotations

from typing import Any

import msgspec


class ToolPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a tool may be called.

    Attributes:
        concurrency: Calls that may be under way at once.
        timeout: Seconds that one call may take.
        retries: How often a failed call is repeated; only for idempotent tools.
        backoff: Seconds before the first repetition; doubles with each further one.
        idempotent: Whether calling it twice does no harm.
        hedge_after: Seconds after which a second call of a straggler starts beside the first, and the
            first answer counts; None for never. Only for idempotent tools.
    """

    concurrency: int = 8
    timeout: float = 60.0
    retries: int = 0
    backoff: float = 0.1
    idempotent: bool = False
    hedge_after: float | None = None


class ToolSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What a model is told of a tool, and what a caller may do with it.

    Attributes:
        name: Unique among the tools of one run.
        description: What it does, when to use it; the first line is a sentence.
        parameters: JSON Schema of an object; the order of its properties is the order of
            positional arguments.
        returns: Name of the type of the result, or empty.
        policy: How it may be called.
    """

    name: str
    description: str
    parameters: dict[str, Any]
    returns: str = ""
    policy: ToolPolicy = ToolPolicy()


class ToolCall(msgspec.Struct, frozen=True, kw_only=True):
    """One call of a tool.

    Attributes:
        tool: Name of the tool.
        arguments: Positional arguments.
        keywords: Arguments by name.
        key: The same for every attempt of a call, so that a tool may do its work once; or empty.
    """

    tool: str
    arguments: tuple[Any, ...] = ()
    keywords: dict[str, Any] = {}
    key: str = ""
