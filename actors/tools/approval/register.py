"""What becomes of calls that need somebody's word. Knows nothing of actors and time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from ..comparison import same_call
from ..errors import ApprovalDecidedError, ToolKeyError, UnknownApprovalError
from .records import ApprovalRequest, ApprovalState, Verdict

if TYPE_CHECKING:
    from collections.abc import Collection

    from ....protocols.tools import ToolCall

DECIDED_KEPT: Final = 1000
"""How many decided requests are remembered, so that a call that comes again finds its word."""


class ApprovalRegister:
    """The requests, by number and by their calls' keys.

    A request without a key goes with its caller, since nobody can come back for it.

    Args:
        state: What was kept.
        present: Requests whose callers wait at this moment.
    """

    def __init__(
        self,
        state: ApprovalState = ApprovalState(),  # noqa: B008  # frozen
        *,
        present: Collection[int] = (),
    ) -> None:
        self._next = state.next
        self._requests = {
            r.id: r for r in state.requests if r.call.key or r.verdict or r.id in present
        }
        self._by_key = {r.call.key: r.id for r in state.requests if r.call.key}

    def state(self) -> ApprovalState:
        """Return all that there is to keep."""
        return ApprovalState(next=self._next, requests=tuple(self._requests.values()))

    def enter(self, call: ToolCall, now: float) -> ApprovalRequest:
        """Return the request of a call: the one that its key has, or a new one.

        Raises:
            ToolKeyError: The key belongs to another call.
        """
        known = self._by_key.get(call.key) if call.key else None
        if known is not None:
            request = self._requests[known]
            if not same_call(request.call, call):
                raise ToolKeyError(call.tool, call.key)
            return request
        request = ApprovalRequest(id=self._next, call=call, asked=now)
        self._next += 1
        self._requests[request.id] = request
        if call.key:
            self._by_key[call.key] = request.id
        return request

    def withdraw(self, number: int) -> None:
        """The caller of a request has left: without a key and a word it is there no more."""
        request = self._requests.get(number)
        if request is not None and not request.call.key and request.verdict is None:
            del self._requests[number]

    def withdraw_keys(self, keys: Collection[str]) -> list[ApprovalRequest]:
        """Take out the requests of calls that will not come again; those with a word stay."""
        numbers = [self._by_key[key] for key in dict.fromkeys(keys) if key in self._by_key]
        gone = [r for n in numbers if (r := self._requests[n]).verdict is None]
        for request in gone:
            del self._requests[request.id], self._by_key[request.call.key]
        return gone

    def decide(self, number: int, verdict: Verdict, note: str, now: float) -> ApprovalRequest:
        """Return a request with its word; the same word again changes nothing.

        Raises:
            UnknownApprovalError: There is no such request.
            ApprovalDecidedError: The other word was given before.
        """
        request = self.request(number)
        if request.verdict is not None:
            if request.verdict != verdict:
                raise ApprovalDecidedError(number, request.verdict)
            return request
        request = msgspec.structs.replace(request, verdict=verdict, note=note, decided=now)
        del self._requests[number]
        self._requests[number] = request  # behind all that were decided before
        self._forget()
        return request

    def request(self, number: int) -> ApprovalRequest:
        """Return a request.

        Raises:
            UnknownApprovalError: There is none of this number.
        """
        request = self._requests.get(number)
        if request is None:
            raise UnknownApprovalError(number, waiting=[r.id for r in self.pending()])
        return request

    def pending(self) -> list[ApprovalRequest]:
        """Return those that wait, the oldest first."""
        return [request for request in self._requests.values() if request.verdict is None]

    def _forget(self) -> None:
        decided = [request for request in self._requests.values() if request.verdict is not None]
        for request in decided[: max(0, len(decided) - DECIDED_KEPT)]:
            del self._requests[request.id]
            self._by_key.pop(request.call.key, None)
