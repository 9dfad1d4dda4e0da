"""A model that says what a script says: for tests, benchmarks and work without a network."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Never

from ...protocols.chat import ChatRequest  # noqa: TC001  # hints are read at run time
from ..handler import handler
from .errors import (
    AnswerBrokenError,
    EndpointUnreachableError,
    InvalidScriptError,
    RequestRefusedError,
)
from .model import ChatModel
from .recital import Chunking, Failure, Pause, Style, recital
from .script import Script, ScriptedReply, check, load_function, read_script

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from ...protocols.chat import ChatPiece

_PLACE = "the script"
"""What stands in errors for an address."""


class ScriptedModel(ChatModel):
    """Answers from a script, at a pace of its own; also under `passel simulate`.

    One of `script`, `file` and `function` says what is answered. Usage counts a token for every
    four characters begun, of each message and of the answer. Pauses are `context.sleep`, so they
    take no time in a simulation; what is left to chance depends on `seed` and the number of the
    request alone.

    Args:
        script: Texts and replies, in order; a reply with `when` answers whatever it fits.
        file: The same as a TOML file, one `[[reply]]` each.
        function: `module:function`, which is given the request and returns a text or a reply.
        repeat: Begin anew when the script is used up.
        chunking: Where texts are cut: by `characters`, at `random`, or not (`whole`).
        size: Characters of a piece, or the most of one at random.
        pace: Seconds before each piece.
        first: Seconds before the first piece, beside its own.
        seed: Changes what is left to chance.
        keep: How many of the latest requests are kept.

    Raises:
        InvalidScriptError: There is no script, more than one, or one that makes no sense.
    """

    def __init__(
        self,
        *,
        script: list[str | ScriptedReply] | None = None,
        file: str = "",
        function: str = "",
        repeat: bool = False,
        chunking: Chunking = "characters",
        size: int = 4,
        pace: float = 0.0,
        first: float = 0.0,
        seed: int = 0,
        keep: int = 1_000,
    ) -> None:
        if sum(given is not None for given in (script, file or None, function or None)) != 1:
            reason = "exactly one of script, file and function must be given"
            raise InvalidScriptError("as it is declared", reason=reason)
        if size < 1 or keep < 0 or not all(0.0 <= s < math.inf for s in (pace, first)):
            raise InvalidScriptError("as it is declared", reason="sizes and seconds are positive")
        self._file = Path(file)
        self._script = None if script is None else Script(script, repeat=repeat)
        self._function = load_function(function) if function else None
        self._repeat = repeat
        self._style = Style(chunking=chunking, size=size, pace=pace, first=first)
        self._seed = seed
        self._requests: deque[ChatRequest] = deque(maxlen=keep)
        self._count = 0

    @classmethod
    def check_arguments(cls, *, file: str = "", function: str = "", **_: object) -> None:
        """Look for what the actor refuses when it starts, for `passel check`.

        Raises:
            InvalidScriptError: The function is not there, or the file makes no sense.
        """
        if function:
            load_function(function)
        if file:
            read_script(Path(file))

    async def started(self) -> None:
        """Read the file, if there is one."""
        if self._script is None and self._function is None:
            replies = await self.context.run_blocking(read_script, self._file)
            self._script = Script(replies, repeat=self._repeat)

    @handler(concurrent=True)
    async def requests(self) -> list[ChatRequest]:
        """Return the requests so far, the oldest first; of many, the latest `keep`."""
        return list(self._requests)

    async def answer(self, request: ChatRequest) -> AsyncGenerator[ChatPiece]:
        """Yield the pieces of the script's answer.

        Raises:
            ScriptExhaustedError: The script has none.
            ChatError: The script says so.
        """
        self._requests.append(request)
        self._count += 1
        random = Random(f"{self._seed}/{self._count}")  # noqa: S311  # nothing secret
        for step in recital(self._reply_to(request), request, self._style, random):
            if isinstance(step, Pause):
                await self.context.sleep(step.seconds)
            elif isinstance(step, Failure):
                await _fail(step)
            else:
                yield step

    def _reply_to(self, request: ChatRequest) -> ScriptedReply:
        if self._function is not None:
            said = self._function(request)
            reply = ScriptedReply(text=said) if isinstance(said, str) else said
            check(reply, f"answer {self._count} of its function")
            return reply
        assert self._script is not None, "it is read when the actor starts"
        return self._script.reply_to(request)


async def _fail(step: Failure) -> Never:
    """Raise the error that an endpoint would give, or wait for ever."""
    failure = step.failure
    if failure.kind == "unreachable":
        raise EndpointUnreachableError(_PLACE, reason=failure.message)
    if failure.kind == "refused":
        raise RequestRefusedError(_PLACE, failure.status, failure.message)
    if failure.kind == "broken":
        raise AnswerBrokenError(_PLACE, pieces=step.pieces, reason=failure.message)
    await asyncio.Event().wait()
    raise AssertionError("nobody sets that event")
