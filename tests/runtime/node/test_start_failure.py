from __future__ import annotations

import asyncio
import json
import sysconfig
import traceback
from typing import Any

import pytest

from passel import Actor, Runtime, SpawnError
from tests.runtime.crew_life import Unwilling


class Reader(Actor):
    """Reads what cannot be read, in a task of its own."""

    def __init__(self, tasks: int = 1) -> None:
        self.tasks = tasks

    async def started(self) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(self.tasks):
                group.create_task(self._read())

    async def _read(self) -> None:
        json.loads("{")


class Head(Actor):
    """Cannot start what it needs."""

    async def started(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self.context.spawn(Unwilling, where="started"))


class Demanding(Actor):
    """Needs an argument."""

    def __init__(self, what: str) -> None:
        self.what = what


async def test_the_only_error_of_a_group_is_told_in_its_place_in_the_authors_code() -> None:
    async with Runtime() as runtime:
        with pytest.raises(
            SpawnError, match=r"JSONDecodeError: .*_failure\.py:\d+, in _read"
        ) as no:
            await runtime.spawn(Reader)
        assert isinstance(no.value.__cause__, json.JSONDecodeError)
        assert "ExceptionGroup" not in "".join(traceback.format_exception(no.value))


async def test_of_several_errors_none_is_left_out() -> None:
    async with Runtime() as runtime:
        with pytest.raises(SpawnError, match=r"ExceptionGroup: .*2 sub-exceptions") as no:
            await runtime.spawn(Reader, 2)
        assert "".join(traceback.format_exception(no.value)).count("in _read") == 2


async def test_what_an_actor_could_not_spawn_at_its_start_is_told_as_it_is() -> None:
    async with Runtime() as runtime:
        with pytest.raises(SpawnError, match=r"\(.*:Unwilling\) could.*no start today") as no:
            await runtime.spawn(Head)
        shown = "".join(traceback.format_exception(no.value))
        assert shown.count('raise RuntimeError("no start today")') == 1


async def test_arguments_that_do_not_fit_name_no_place() -> None:
    async with Runtime() as runtime:
        with pytest.raises(SpawnError, match=r"missing .* argument: 'what'$"):
            await runtime.spawn(Demanding)  # type: ignore[call-arg]


READING = """
import json

async def started(self):
    json.loads("{")
"""


def of_file(file: str, module: str) -> dict[str, Any]:
    """Return what a module holds whose code says that it comes from a file."""
    names: dict[str, Any] = {"__name__": module}
    exec(compile(READING, file, "exec"), names)  # no file can be put there
    return names


@pytest.mark.parametrize(
    ("file", "package"),
    [
        (f"{sysconfig.get_path('purelib')}/shop/till.py", "shop.actors"),
        (f"{sysconfig.get_path('stdlib')}-of-mine/till.py", "elsewhere"),
    ],
    ids=["installed", "beside"],
)
async def test_the_place_is_the_last_in_the_actors_package_or_else_in_what_is_not_installed(
    file: str, package: str
) -> None:
    started = of_file(file, "shop.till")["started"]
    till = type("Till", (Actor,), {"started": started, "__module__": package})
    async with Runtime() as runtime:
        with pytest.raises(SpawnError) as no:
            await runtime.spawn(till)
    assert no.value.reason.endswith(f"({file}:5, in started)")
