"""Scripts: what a scripted model says to which request. Knows nothing of actors or time."""

from __future__ import annotations

import importlib
import inspect
import math
import re
import tomllib
from typing import TYPE_CHECKING, Literal

import msgspec

from ...protocols.chat import ChatRequest, RequestedCall
from .errors import InvalidScriptError, ScriptExhaustedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path


class Stall(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A pause within an answer.

    Attributes:
        after: Characters of the text that come before it.
        seconds: How long it is.
    """

    after: int
    seconds: float


class ScriptedFailure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How an answer fails: with the error that a real endpoint would give.

    Attributes:
        kind: `unreachable`, `refused` by the server with a status, `broken` off, or `silent`:
            nothing more ever comes, until the reader's deadline.
        after: Characters of the text that come before it.
        status: HTTP status of a refusal.
        message: What the server says.
    """

    kind: Literal["unreachable", "refused", "broken", "silent"]
    after: int = 0
    status: int = 500
    message: str = "as scripted"


class ScriptedReply(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One answer of a script.

    Attributes:
        text: What is said.
        when: Expression that must be found in the request's last message. A reply that has one
            is given each time it fits; one that has none is given once, in its turn.
        calls: Tool calls asked for after the text.
        reason: Why it ends; `tool_calls` if there are calls, else `stop`, unless said here.
        stalls: Pauses within the text.
        failure: What ends it early, if anything.
    """

    text: str = ""
    when: str = ""
    calls: tuple[RequestedCall, ...] = ()
    reason: str = ""
    stalls: tuple[Stall, ...] = ()
    failure: ScriptedFailure | None = None


class _ScriptFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    reply: list[ScriptedReply] = []


class Script:
    """Finds the answer to each request.

    Args:
        replies: In order; a text alone is a reply without conditions.
        repeat: Begin anew when those without conditions are used up.

    Raises:
        InvalidScriptError: A reply makes no sense; says which.
    """

    def __init__(self, replies: Iterable[str | ScriptedReply], *, repeat: bool = False) -> None:
        every = [ScriptedReply(text=r) if isinstance(r, str) else r for r in replies]
        self._rules = [(_compiled(r, f"reply {n}"), r) for n, r in enumerate(every, 1)]
        self._turns = [reply for reply in every if not reply.when]
        self._repeat = repeat
        self._next = 0
        self._given = 0

    def reply_to(self, request: ChatRequest) -> ScriptedReply:
        """Return the first reply whose expression fits, else the next without one.

        Raises:
            ScriptExhaustedError: There is none.
        """
        question = request.messages[-1].content if request.messages else ""
        reply = next((r for rule, r in self._rules if r.when and rule.search(question)), None)
        if reply is None:
            if self._next == len(self._turns) and self._repeat:
                self._next = 0
            if self._next >= len(self._turns):
                raise ScriptExhaustedError(question, given=self._given)
            reply = self._turns[self._next]
            self._next += 1
        self._given += 1
        return reply


def read_script(path: Path) -> list[ScriptedReply]:
    """Return the replies of a TOML file, one `[[reply]]` each.

    Raises:
        InvalidScriptError: It cannot be read, or holds something else.
    """
    try:
        return msgspec.convert(tomllib.loads(path.read_text()), _ScriptFile).reply
    except (OSError, ValueError) as error:  # msgspec's and tomllib's errors are ValueErrors
        raise InvalidScriptError(f"file {path}", reason=str(error)) from error


def load_function(path: str) -> Callable[[ChatRequest], str | ScriptedReply]:
    """Import a function that answers requests, named `module:function`.

    Raises:
        InvalidScriptError: There is none of that name.
    """
    module, _, name = path.partition(":")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise InvalidScriptError(f"function {path}", reason=str(error)) from error
    if not callable(found) or inspect.iscoroutinefunction(found):
        raise InvalidScriptError(f"function {path}", reason="it is no plain function")
    answers: Callable[[ChatRequest], str | ScriptedReply] = found
    return answers


def check(reply: ScriptedReply, where: str) -> None:
    """Make sure that a reply can be recited.

    Raises:
        InvalidScriptError: It is none, or stalls or fails where it has no text.
    """
    if not isinstance(reply, ScriptedReply):
        raise InvalidScriptError(where, reason=f"{reply!r} is neither a text nor a reply")
    for stall in reply.stalls:
        if not (0 <= stall.after <= len(reply.text) and 0.0 <= stall.seconds < math.inf):
            raise InvalidScriptError(where, reason=f"{stall} is no pause within its text")
    failure = reply.failure
    if failure is not None and not 0 <= failure.after <= len(reply.text):
        raise InvalidScriptError(where, reason=f"{failure} is not within its text")


def _compiled(reply: ScriptedReply, where: str) -> re.Pattern[str]:
    """Return the expression of a reply that was checked."""
    check(reply, where)
    try:
        return re.compile(reply.when, re.DOTALL)
    except re.error as error:
        raise InvalidScriptError(where, reason=f"{reply.when!r}: {error}") from error
