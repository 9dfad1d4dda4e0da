from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Literal

import pytest

from passel import Actor, ActorRef, handler
from passel.actors.handler import HandlerSpec, class_path, handlers_of, signature_of
from passel.protocols.errors import ClassLoadError, CodecError


class Shop(Actor):
    """Has handlers of every kind."""

    @handler
    async def sell(self, what: str, /, count: int = 1, *, price: float = 2.5) -> float:
        """Return what it costs."""
        return count * price

    @handler(concurrent=True)
    async def look(self) -> None: ...

    @handler(raises=(KeyError,))
    async def find(self, what: Literal["tea", "salt"] | None, at: ActorRef[Shop]) -> list[str]:
        return []

    @handler
    async def prices(self) -> AsyncIterator[float]:
        """Yield prices."""
        yield 1.0

    async def not_for_others(self) -> None: ...


SPECS = handlers_of(Shop)


def test_only_marked_methods_are_handlers() -> None:
    assert sorted(SPECS) == ["find", "look", "prices", "sell"]


def test_a_spec_says_how_a_handler_runs() -> None:
    assert [SPECS[name].concurrent for name in ("sell", "look", "prices")] == [False, True, True]
    assert [SPECS[name].is_stream for name in ("sell", "look", "prices")] == [False, False, True]
    assert SPECS["find"].raises == (KeyError,)
    assert SPECS["prices"].returns is float
    assert SPECS["sell"].returns is float
    assert SPECS["look"].returns is type(None)


def test_arguments_are_put_in_order_with_defaults_filled_in() -> None:
    sell = SPECS["sell"]
    assert sell.bind(("tea",), {}) == ("tea", 1, 2.5)
    assert sell.bind(("tea", 3), {"price": 1.0}) == ("tea", 3, 1.0)
    assert sell.bind(("tea",), {"count": 2}) == ("tea", 2, 2.5)


@pytest.mark.parametrize(
    ("arguments", "keywords", "words"),
    [
        ((), {}, "missing a required argument: 'what'"),
        (("tea", 1, 2.0), {}, "too many positional arguments"),
        (("tea",), {"weight": 1}, "unexpected keyword argument 'weight'"),
        ((), {"what": "tea"}, "positional"),
    ],
)
def test_arguments_that_do_not_fit_are_a_type_error(
    arguments: tuple[Any, ...], keywords: dict[str, Any], words: str
) -> None:
    with pytest.raises(TypeError, match=words):
        SPECS["sell"].bind(arguments, keywords)


async def test_keyword_only_parameters_travel_by_position() -> None:
    assert await SPECS["sell"].call(Shop(), ("tea", 2, 3.0)) == 6.0


def test_an_actor_calls_its_own_handlers_as_plain_methods() -> None:
    shop = Shop()
    method: Any = shop.sell
    assert method.__self__ is shop


def test_signatures_are_text_without_modules() -> None:
    assert (
        SPECS["sell"].describe() == "exclusive sell(what:str, count:int=?, price:float=?) -> float"
    )
    assert SPECS["prices"].describe() == "stream prices() -> AsyncIterator[float]"
    assert SPECS["look"].describe() == "concurrent look() -> NoneType"
    find = SPECS["find"].describe()
    assert find.startswith("exclusive find(what:Literal['tea', 'salt'] | NoneType, at:")
    assert __name__ not in find


def test_every_difference_that_the_wire_feels_changes_the_signature() -> None:
    def variant(**changes: Any) -> str:
        source = {"name": "f", "hint": "int", "default": "", "kind": "", "result": "int"} | changes
        space: dict[str, Any] = {"Actor": Actor, "handler": handler}
        text = (
            "class A(Actor):\n"
            "    @handler{kind}\n"
            "    async def {name}(self, x: {hint}{default}) -> {result}: ...\n"
        )
        exec(text.format(**source), space)
        return signature_of(space["A"])

    plain = variant()
    assert plain == variant()
    for change in (
        {"name": "g"},
        {"hint": "str"},
        {"hint": "list[int]"},
        {"default": " = 1"},
        {"kind": "(concurrent=True)"},
        {"result": "str"},
    ):
        assert variant(**change) != plain


def test_what_cannot_be_a_handler_is_refused_where_it_is_written() -> None:
    def plain(self: Any) -> None: ...

    async def starred(self: Any, *things: int) -> None: ...

    async def keywords(self: Any, **things: int) -> None: ...

    refuse: Any = handler
    with pytest.raises(TypeError, match="is not async"):
        refuse(plain)
    for function in (starred, keywords):
        with pytest.raises(TypeError, match="name every parameter"):
            refuse(function)


def test_hints_that_exist_for_checkers_only_say_what_mends_them() -> None:
    async def take(self: Any, value: OnlyForCheckers) -> None: ...  # type: ignore[name-defined]  # noqa: F821

    with pytest.raises(CodecError, match="import it at run time, not under TYPE_CHECKING"):
        HandlerSpec(take).hints  # noqa: B018  # the access raises


def test_a_class_of_a_function_has_no_path() -> None:
    class Local(Actor): ...

    assert class_path(Shop) == f"{__name__}:Shop"
    with pytest.raises(ClassLoadError):
        class_path(Local)
