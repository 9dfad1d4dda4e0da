"""Credit: what leaves at once, what is parked, and in which order it leaves."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passel import DeadActorError
from passel.actors.ref import UntypedSpec
from passel.protocols.address import Address
from passel.protocols.errors import CodecError
from passel.runtime.node.sending import ASK, TELL, Sending
from passel.runtime.node.target import MovingTarget, RemoteTarget, Target


class Recording(Target):
    """Keeps what was transmitted."""

    __slots__ = ("cancelled", "sent")

    def __init__(self, window: int) -> None:
        super().__init__(Address("side", "a#1", 1, window))
        self.sent: list[Sending] = []
        self.cancelled: list[Sending] = []

    def transmit(self, sending: Sending) -> None:
        if sending.arguments == ("bad",):
            raise CodecError("value", "it cannot travel")
        sending.transmitted = True
        self.sent.append(sending)

    def cancel(self, sending: Sending) -> None:
        self.cancelled.append(sending)


def sending(target: Target, number: Any = 0, *, kind: int = ASK, beside: bool = False) -> Sending:
    """Return a request, without a future: nobody waits for it."""
    spec = UntypedSpec("handler")
    spec.concurrent = beside
    return Sending(kind, target, spec, (number,), None, 1.0, "leader/", "", b"")


def numbers(target: Recording) -> list[Any]:
    """Return what was sent, by argument."""
    return [entry.arguments[0] for entry in target.sent]


def test_what_finds_no_place_leaves_in_its_turn() -> None:
    target = Recording(2)
    assert [target.submit(sending(target, n)) for n in range(5)] == [
        True,
        True,
        False,
        False,
        False,
    ]
    assert numbers(target) == [0, 1]
    target.refill(1, beside=False)
    assert numbers(target) == [0, 1, 2]
    target.refill(5, beside=False)
    assert numbers(target) == [0, 1, 2, 3, 4]
    assert target.mailbox.credit == 3


def test_what_comes_later_does_not_overtake_what_is_parked() -> None:
    target = Recording(1)
    target.submit(sending(target, 0))
    target.submit(sending(target, 1))
    target.mailbox.credit = 1
    assert not target.submit(sending(target, 2))


def test_handlers_that_run_beside_have_places_of_their_own() -> None:
    target = Recording(1)
    target.submit(sending(target, 0))
    target.submit(sending(target, 1))
    assert target.submit(sending(target, 2, beside=True))
    assert not target.submit(sending(target, 3, beside=True))
    target.refill(1, beside=True)
    assert numbers(target) == [0, 2, 3]


def test_a_request_that_is_withdrawn_leaves_no_gap() -> None:
    target = Recording(1)
    requests = [sending(target, n) for n in range(4)]
    for request in requests:
        target.submit(request)
    target.withdraw(requests[1])
    target.withdraw(requests[1])
    target.withdraw(requests[0])
    assert target.cancelled == [requests[0]]
    requests[2].cancelled = True
    target.refill(1, beside=False)
    assert numbers(target) == [0, 3]


def test_what_cannot_travel_takes_no_place() -> None:
    target = Recording(1)
    for _ in range(3):
        with pytest.raises(CodecError):
            target.submit(sending(target, "bad"))
    assert target.mailbox.credit == 1
    target.submit(sending(target, 0))
    target.submit(sending(target, "bad", kind=TELL))
    target.submit(sending(target, 2))
    target.refill(1, beside=False)
    assert numbers(target) == [0, 2]


async def test_a_target_that_is_gone_refuses_what_is_parked() -> None:
    target = Recording(0)
    requests = [sending(target, n, beside=n == 1) for n in range(3)]
    for request in requests:
        request.future = asyncio.get_running_loop().create_future()
        target.submit(request)
    target.close(DeadActorError(target.address, "it has stopped"))
    assert target.closed
    for request in requests:
        assert request.future is not None
        assert isinstance(request.future.exception(), DeadActorError)


async def test_a_moving_target_passes_on_what_waits_in_order() -> None:
    moving, target = MovingTarget(Address("side", "a", 1, 8)), Recording(2)
    requests = [sending(moving, n) for n in (0, 1, "bad", 2, 3)]
    loop = asyncio.get_running_loop()
    for request in requests:
        request.future = loop.create_future()
        assert not moving.submit(request)
    moving.withdraw(requests[1])
    moving.settle(target)
    assert moving.closed
    assert numbers(target) == [0, 2]
    assert all(request.target is target for request in requests if request is not requests[1])
    bad = requests[2].future
    assert bad is not None
    assert isinstance(bad.exception(), CodecError)
    target.refill(1, beside=False)
    assert numbers(target) == [0, 2, 3]


def test_messages_to_an_actor_are_numbered() -> None:
    link: Any = None  # nothing is sent
    target = RemoteTarget(Address("side", "a#1", 1, 8), link)
    assert [target.next_sequence() for _ in range(3)] == [1, 2, 3]


def test_tells_that_were_credited_are_not_possibly_lost() -> None:
    link: Any = None  # nothing is sent
    target = RemoteTarget(Address("side", "a#1", 1, 8), link)
    target.mailbox.credit -= 5
    target.told = 5
    target.refill(3, beside=False)
    assert target.told == 2
    target.refill(2, beside=False)
    assert target.told == 0


@given(st.integers(1, 5), st.lists(st.sampled_from(["submit", "refill", "withdraw"]), max_size=60))
def test_places_are_never_exceeded_and_order_is_kept(window: int, steps: list[str]) -> None:
    target = Recording(window)
    parked: list[Sending] = []
    returned, given_back = 0, 0
    for number, step in enumerate(steps):
        if step == "submit":
            request = sending(target, number)
            if not target.submit(request):
                parked.append(request)
        elif step == "refill" and given_back < len(target.sent):
            given_back += 1
            target.refill(1, beside=False)
        elif step == "withdraw" and parked:
            request = parked.pop(len(parked) // 2)
            request.cancelled = True
            target.withdraw(request)
        parked = [request for request in parked if not request.transmitted]
        assert len(target.sent) - given_back <= window
        assert numbers(target) == sorted(numbers(target))
        assert target.mailbox.credit == window - len(target.sent) + given_back
    assert returned == 0
