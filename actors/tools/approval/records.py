"""Calls of tools that wait for somebody's word."""

from __future__ import annotations

from typing import Literal

import msgspec

from ....protocols.tools import ToolCall

Verdict = Literal["approve", "deny"]
"""What somebody says of a call."""


class ApprovalRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A call that waits for a word, or has got it.

    Attributes:
        id: Its number.
        call: The call.
        asked: When it was made for the first time, in seconds since 1970.
        verdict: The word, or None as long as there is none.
        note: What was said with it; whoever called is told.
        decided: When, in seconds since 1970; 0.0 before.
        attended: Whether its caller waits for the word at this moment, or may only come back for it.
    """

    id: int
    call: ToolCall
    asked: float
    verdict: Verdict | None = None
    note: str = ""
    decided: float = 0.0
    attended: bool = False


class ApprovalState(msgspec.Struct, frozen=True, kw_only=True):
    """All that is kept of them.

    Attributes:
        next: The number of the next one.
        requests: Those that wait, and the last that were decided, in order.
    """

    next: int = 1
    requests: tuple[ApprovalRequest, ...] = ()
