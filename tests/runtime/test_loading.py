from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from passel import Actor, handler
from passel.actors.handler import handlers_of, signature_of
from passel.protocols.errors import ClassLoadError, HandshakeError
from passel.runtime import loading
from passel.runtime.loading import MAIN_ALIAS, check_signature, load_class, path_of
from tests.runtime.crew import Counter
from tests.runtime.crew_flow import Gate
from tests.runtime.worlds import open_runtime

if TYPE_CHECKING:
    from pathlib import Path


def test_a_class_is_found_by_its_path() -> None:
    assert load_class("tests.runtime.crew:Counter") is Counter
    assert path_of(Counter) == "tests.runtime.crew:Counter"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("tests.runtime.crew", "write it as 'module:Class'"),
        (":Counter", "write it as 'module:Class'"),
        ("tests.runtime.crew:", "write it as 'module:Class'"),
        ("tests.runtime.crew:Nobody", "module tests.runtime.crew has no Nobody"),
        ("tests.runtime.crew:Counter.add", "subclass passel.Actor"),
        ("tests.runtime.crew:os", "subclass passel.Actor"),
        ("os:system", "subclass passel.Actor"),
        ("tests.runtime.test_loading:loading.Actor", "only classes may stand between"),
        ("no_such_module_at_all:A", "ModuleNotFoundError"),
    ],
)
def test_a_path_that_names_no_actor_class_says_why(path: str, reason: str) -> None:
    with pytest.raises(ClassLoadError, match=reason):
        load_class(path)


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("crew:Counter", True),
        ("crew.deep.down:Counter", True),
        ("crewel:Counter", False),
        ("os:Counter", False),
        ("", False),
        (".crew:Counter", False),
    ],
)
def test_a_class_is_allowed_in_a_module_and_below_it(path: str, *, allowed: bool) -> None:
    loading.check_allowed(path, None)
    if allowed:
        loading.check_allowed(path, ["other", "crew"])
    else:
        with pytest.raises(ClassLoadError, match=r"\(other, crew is\); add it to `allow`"):
            loading.check_allowed(path, ["other", "crew"])


@pytest.mark.process
async def test_a_node_loads_no_class_that_is_not_allowed() -> None:
    async with open_runtime(allow=["tests.runtime.crew"]) as runtime:
        await runtime.start_node("side")
        there = runtime.options(node="side")
        assert await (await there.spawn(Counter)).add(1) == 1
        with pytest.raises(ClassLoadError, match="add it to `allow`"):
            await there.spawn(Gate)


def test_a_class_local_to_a_function_says_what_mends_it() -> None:
    class Local(Actor):
        pass

    with pytest.raises(ClassLoadError, match="move it to module level"):
        path_of(Local)


def test_a_script_that_fails_to_load_fails_each_time_with_its_own_error(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from passel import Actor\nclass A(Actor):\n    pass\nraise OSError('broken')\n"
    )
    for _ in range(2):
        with pytest.raises(ClassLoadError, match="OSError: broken"):
            load_class(f"{MAIN_ALIAS}:A", main_path=str(script))
    assert MAIN_ALIAS not in sys.modules


def test_unlike_signatures_are_told_apart() -> None:
    check_signature(Counter, "x:Counter", signature_of(Counter), "side")
    check_signature(Counter, "x:Counter", "", "side")
    with pytest.raises(HandshakeError, match="deploy the same code"):
        check_signature(Counter, "x:Counter", "0123", "side")


def test_equal_handlers_of_two_modules_have_one_signature() -> None:
    """A script's class is `__main__`'s here and another module's in its nodes."""
    source = (
        "from dataclasses import dataclass\n"
        "from passel import Actor, handler\n"
        "@dataclass\nclass P:\n    x: int\n"
        "class A(Actor):\n"
        "    @handler\n    async def f(self, p: list[P], q: dict[str, P | None]) -> tuple[P, ...]:\n"
        "        return ()\n"
    )
    found = []
    for name in ("module_one", "module_two"):
        module = type(sys)(name)
        sys.modules[name] = module
        try:
            exec(source, module.__dict__)
            found.append(signature_of(module.A))
        finally:
            del sys.modules[name]
    assert found[0] == found[1]
    assert found[0] != signature_of(Counter)


def test_a_handler_that_is_overridden_by_a_plain_method_is_none() -> None:
    class Base(Actor):
        @handler
        async def call(self) -> None: ...

        @handler
        async def keep(self) -> None: ...

    class Child(Base):
        async def call(self) -> None: ...  # type: ignore[override]

    assert list(handlers_of(Base)) == ["call", "keep"]
    assert list(handlers_of(Child)) == ["keep"]
