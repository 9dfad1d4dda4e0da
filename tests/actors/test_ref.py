from __future__ import annotations

from typing import Any, cast

import pytest

from passel import Actor, ActorRef, handler
from passel.actors.ref import (
    DEFAULT_TIMEOUT,
    HandlerCall,
    Reference,
    StreamCall,
    UntypedSpec,
    reference_type,
    untyped_call,
)
from passel.protocols.address import Address
from passel.protocols.errors import NotAHandlerError


class Lamp(Actor):
    """Something to refer to."""

    @handler
    async def shine(self, how: int = 1) -> int:
        return how

    @handler
    async def flicker(self) -> Any:
        yield 1


class Recorder:
    """A sender that keeps what it was asked to send."""

    def __init__(self) -> None:
        self.sent: list[tuple[Any, ...]] = []

    async def ask(self, *what: Any) -> str:
        self.sent.append(("ask", *what[1:]))
        return "answer"

    async def tell(self, *what: Any) -> None:
        self.sent.append(("tell", *what[1:]))

    def tell_nowait(self, *what: Any) -> None:
        self.sent.append(("tell_nowait", *what[1:]))

    def stream(self, *what: Any) -> str:
        self.sent.append(("stream", *what[1:]))
        return "items"


HERE = Address("side", "lamp", 7)


def lamp(sender: Recorder | None = None, address: Address = HERE) -> Any:
    """Return a typed reference."""
    return reference_type(Lamp)(address, cast("Any", sender or Recorder()))


async def test_an_ask_is_sent_when_it_is_awaited() -> None:
    sender = Recorder()
    asking = lamp(sender).shine(3)
    assert not sender.sent
    assert await asking == "answer"
    verb, spec, arguments, timeout = sender.sent[0][:4]
    assert (verb, spec.name, arguments, timeout) == ("ask", "shine", (3,), DEFAULT_TIMEOUT)


async def test_options_are_for_the_call_they_are_given_to() -> None:
    sender = Recorder()
    ref = lamp(sender)
    await ref.shine.options(timeout=2.0)()
    await ref.shine.options(timeout=None).tell(how=4)
    await ref.shine()
    ref.shine.tell_nowait(5)
    assert [entry[0] for entry in sender.sent] == ["ask", "tell", "ask", "tell_nowait"]
    assert [entry[3] for entry in sender.sent[:3]] == [2.0, None, DEFAULT_TIMEOUT]
    assert [entry[2] for entry in sender.sent] == [(1,), (4,), (1,), (5,)]


def test_streams_have_a_prefetch_of_their_own() -> None:
    sender = Recorder()
    ref = lamp(sender)
    assert isinstance(ref.flicker, StreamCall)
    assert isinstance(ref.shine, HandlerCall)
    assert cast("Any", ref).flicker.options(prefetch=3)() == "items"
    assert sender.sent[0][-1] == 3


def test_references_are_equal_when_they_mean_the_same_life() -> None:
    assert lamp() == lamp()
    assert lamp() == Reference(HERE, cast("Any", Recorder()))
    assert lamp() != lamp(address=Address("side", "lamp", 8))
    assert lamp() != "side/lamp"
    assert len({lamp(), lamp()}) == 1
    assert repr(lamp()) == "<ActorRef[Lamp] side/lamp>"


def test_the_type_of_references_is_made_once() -> None:
    assert reference_type(Lamp) is reference_type(Lamp)
    assert cast("Any", ActorRef)[Lamp] is reference_type(Lamp)
    assert issubclass(reference_type(Lamp), Reference)


def test_what_is_no_handler_is_named_with_what_there_is() -> None:
    with pytest.raises(NotAHandlerError, match=r"it has: flicker, shine"):
        lamp().burn  # noqa: B018  # the access raises
    with pytest.raises(AttributeError):
        lamp()._private  # noqa: B018  # the access raises


async def test_a_reference_of_unknown_class_takes_any_name_but_no_keywords() -> None:
    sender = Recorder()
    ref = Reference(HERE, cast("Any", sender))
    await ref.anything(1, "two")
    assert sender.sent[0][2] == (1, "two")
    with pytest.raises(TypeError, match="give positional arguments, the signature is unknown"):
        ref.anything(what=1)
    assert repr(ref) == "<ActorRef[?] side/lamp>"


def test_an_untyped_call_may_be_a_stream() -> None:
    ref = Reference(HERE, cast("Any", Recorder()))
    assert isinstance(untyped_call(ref, "shine"), HandlerCall)
    assert isinstance(untyped_call(ref, "flicker", stream=True), StreamCall)


async def test_an_untyped_spec_finds_the_handler_of_the_actor_it_meets() -> None:
    assert await UntypedSpec("shine").call(Lamp(), ()) == 1
    with pytest.raises(NotAHandlerError, match="decorate the method with @handler"):
        UntypedSpec("burn").call(Lamp(), ())
