"""Tools that are called only after somebody has said so."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence  # noqa: TC003  # hints are read at run time
from contextlib import suppress
from typing import Any, Final

import msgspec

from ....protocols.errors import PasselError
from ....protocols.tools import ToolCall, ToolSpec  # noqa: TC001  # hints are read at run time
from ...handler import handler
from ...ref import ActorRef  # noqa: TC001  # hints are read at run time
from ..errors import ToolDeniedError, ToolError, ToolInterruptedError, ToolTimeoutError
from ..toolbox import Toolbox
from .records import ApprovalRequest, ApprovalState, Verdict  # noqa: TC001  # hints are read at run time
from .register import ApprovalRegister

PATIENCE: Final = 7 * 24 * 3600.0
"""Seconds that a call waits for a word if nothing else is said: a week."""

_SLACK: Final = 5.0
_CHECK_SECONDS: Final = 10.0
"""How long the actor behind may take to say whether arguments fit."""


class Approval(Toolbox):
    """Stands before another tool actor: a call waits until somebody has approved it.

    It offers what the other one offers, and is called in the same way. `pending` lists what waits,
    `decide` says the word: `passel ask RUNTIME approval decide 3 approve "looks fine"`. What is
    approved is called, what is denied is a ToolDeniedError with the note.

    Spawn it durable (`durable: true` in a topology): then requests and words outlive the node and
    the whole runtime. A call that comes again under its key, as a resumed run's calls do, finds its
    request: it goes on waiting, or is called at once if it was approved meanwhile. A request with a
    key waits on when its caller is gone, because its caller may come back, until `withdraw` says that
    it will not; one without is dropped.
    Calls that can only fail are refused at once, and nobody is asked about them.

    Args:
        tools: The actor whose tools need a word.
        only: Names of the tools that do; empty for all. Others are called at once.
        patience: Seconds that a call waits for a word.
    """

    def __init__(
        self,
        *,
        tools: ActorRef[Toolbox],
        only: Sequence[str] = (),
        patience: float = PATIENCE,
    ) -> None:
        super().__init__()
        self._guarded = tools
        self._only = frozenset(only)
        self._patience = patience
        self._register = ApprovalRegister()
        self._waiting: dict[int, asyncio.Future[ApprovalRequest]] = {}
        self._visits: dict[int, int] = {}  # callers that are here, and their requests' numbers

    def snapshot(self) -> ApprovalState:
        """Return the requests and words."""
        return self._register.state()

    def restore(self, state: ApprovalState) -> None:
        """Go on with what was kept."""
        self._register = ApprovalRegister(state, present=self._visits.values())

    # --- What every tool actor does --------------------------------------------------------------

    @handler(concurrent=True, raises=(ToolError,))
    async def tools(self) -> tuple[ToolSpec, ...]:
        """Return what the other actor offers, with time for a word."""
        return tuple([self._patiently(spec) for spec in await self._guarded.tools()])

    @handler(concurrent=True, raises=(ToolError,))
    async def check(self, call: ToolCall) -> None:
        """Return if a call may be made once it is approved; nothing is called, and nobody is asked.

        Raises:
            UnknownToolError: The other actor has no such tool.
            ToolArgumentsError: The arguments do not fit it.
        """
        await self._guarded.check(call)

    @handler(concurrent=True, raises=(ToolError,))
    async def call(self, call: ToolCall) -> Any:
        """Call a tool once somebody has approved that; return its result.

        Raises:
            ToolDeniedError: It was denied.
            ToolTimeoutError: Nobody has said a word in time.
            ToolError: The tool's own, of arguments that do not fit before anybody is asked.
        """
        if self._needs_word(call.tool):
            await self._refuse_misfits(call)
            request = await self._decided(call)
            if request.verdict == "deny":
                raise ToolDeniedError(call.tool, request.note)
        return await self._guarded.call.options(timeout=None)(call)

    # --- What people do --------------------------------------------------------------------------

    @handler(concurrent=True)
    async def pending(self) -> list[ApprovalRequest]:
        """Return the calls that wait for a word, the oldest first, and whether anybody waits with them."""
        return [self._seen(request) for request in self._register.pending()]

    @handler(raises=(ToolError,))
    async def decide(self, request: int, verdict: Verdict, note: str = "") -> ApprovalRequest:
        """Approve or deny a call; whoever waits for that is told once it is written.

        Returns:
            The request; `attended` says whether somebody waits for the word, or may only come for it.

        Args:
            request: Its number, as `pending` shows it.
            verdict: `approve` or `deny`.
            note: What the caller is told with a denial.

        Raises:
            UnknownApprovalError: There is no such request.
            ApprovalDecidedError: The other word was given before.
        """
        decided = self._register.decide(request, verdict, note, time.time())
        await self.context.ref.announce.tell(decided)  # leaves with the transaction
        self.context.log.info("tool call decided", request=request, verdict=verdict)
        return self._seen(decided)

    @handler
    async def withdraw(self, keys: list[str]) -> None:
        """Ask nobody any longer about calls with these keys, as nobody comes back for them."""
        for request in self._register.withdraw_keys(keys):
            waiting = self._waiting.pop(request.id, None)
            if waiting is not None and not waiting.done():
                waiting.set_exception(ToolInterruptedError(request.call.tool, request.call.key))
                waiting.exception()  # its caller is gone as a rule, and nobody else looks at it
            self.context.log.info("tool call withdrawn", request=request.id, tool=request.call.tool)
        with suppress(PasselError):  # it is gone, and what waited there with it
            await self._guarded.withdraw.tell(keys)

    # --- What it says to itself ------------------------------------------------------------------

    @handler(raises=(ToolError,))
    async def park(self, call: ToolCall, visit: int) -> ApprovalRequest | None:
        """Enter a call among those that wait; whoever calls tools has no need of this.

        Returns:
            Its request; None if it has no key and its caller has left meanwhile.

        Raises:
            ToolKeyError: Its key belongs to another call.
        """
        if not call.key and visit not in self._visits:
            return None
        request = self._register.enter(call, time.time())
        if visit in self._visits:
            self._visits[visit] = request.id
        if request.verdict is None:
            # Made here, so that no word can be announced before there is somebody to hear it.
            if request.id not in self._waiting:
                self._waiting[request.id] = asyncio.get_running_loop().create_future()
            self.context.log.info("tool call waits for a word", request=request.id, tool=call.tool)
        return request

    @handler
    async def announce(self, decided: ApprovalRequest) -> None:
        """Wake the calls that wait for a word."""
        waiting = self._waiting.pop(decided.id, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(decided)

    async def _refuse_misfits(self, call: ToolCall) -> None:
        """Raise if a call can only fail; one that cannot be checked now waits for its word.

        Raises:
            ToolError: There is no such tool, or the arguments do not fit it.
        """
        try:
            await self._guarded.check.options(timeout=_CHECK_SECONDS)(call)
        except ToolError:
            raise
        except PasselError as error:  # its tools may be back before anybody has said a word
            self.context.log.warning("tool call unchecked", tool=call.tool, error=str(error))

    async def _decided(self, call: ToolCall) -> ApprovalRequest:
        """Return the request of a call once it has its word; without a key it goes with its caller.

        Raises:
            ToolKeyError: Its key belongs to another call.
            ToolTimeoutError: The word took too long.
        """
        visit = self.context.random.getrandbits(63)
        self._visits[visit] = 0
        try:
            request = await self.context.ref.park(call, visit)
            assert request is not None, "its caller is here"
            return request if request.verdict is not None else await self._word(request)
        finally:
            number = self._visits.pop(visit)
            if number not in self._visits.values():
                self._register.withdraw(number)
                if not call.key:
                    self._waiting.pop(number, None)

    async def _word(self, request: ApprovalRequest) -> ApprovalRequest:
        """Return the request once it is decided.

        Raises:
            ToolTimeoutError: That took too long.
        """
        waiting = self._waiting.get(request.id)
        if waiting is None:  # announced since it was parked
            return self._register.request(request.id)
        left = self._patience - (time.time() - request.asked)
        try:
            async with asyncio.timeout(max(0.0, left)):
                return await asyncio.shield(waiting)
        except TimeoutError:
            raise ToolTimeoutError(request.call.tool, self._patience) from None

    def _seen(self, request: ApprovalRequest) -> ApprovalRequest:
        """Return a request with whether its caller is here."""
        return msgspec.structs.replace(request, attended=request.id in self._visits.values())

    def _needs_word(self, tool: str) -> bool:
        return not self._only or tool in self._only

    def _patiently(self, spec: ToolSpec) -> ToolSpec:
        if not self._needs_word(spec.name):
            return spec
        seconds = spec.policy.timeout + self._patience + _SLACK
        policy = msgspec.structs.replace(spec.policy, timeout=seconds, retries=0, hedge_after=None)
        return msgspec.structs.replace(spec, policy=policy)
