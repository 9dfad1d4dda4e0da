"""Groups in topology files, from their text to running actors."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from passel import Runtime
from passel.protocols.errors import EscalatedError
from passel.runtime.topology import TopologySchemaError, check, graph, parse_topology
from tests.runtime.worlds import private_folder

if TYPE_CHECKING:
    from pathlib import Path

CREW = """
name: crew
groups:
  pair: {strategy: one_for_all, max_restarts: 1, backoff: 0}
  spare:
actors:
  first:
    class: "tests.runtime.crew:Counter"
    args: {start: 5}
    supervise: {group: pair, on_failure: {KeyError: resume, ArithmeticError: restart}}
  second:
    class: "tests.runtime.crew:Counter"
    supervise: {group: pair}
"""


def test_groups_and_directives_are_read_and_drawn() -> None:
    file = parse_topology(CREW)
    assert check(file) == []
    topology = file.topology
    assert topology.groups["pair"].strategy == "one_for_all"
    assert topology.groups["spare"].max_restarts == 3
    assert topology.actors["first"].supervise.on_failure == {
        "KeyError": "resume",
        "ArithmeticError": "restart",
    }
    for format_ in ("mermaid", "dot", "svg"):
        assert "Counter, group pair" in graph(topology, format_)


def test_numbers_that_the_group_overrules_are_warned_of() -> None:
    file = parse_topology(CREW.replace("{group: pair}", "{group: pair, within: 5}"))
    (problem,) = check(file)
    assert problem.severity == "warning"
    assert "supervise.within" in str(problem)
    assert 'move it to the group "pair"' in str(problem)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("one_for_all", "all", "strategy"),
        ("resume", "reboot", "on_failure"),
        ("max_restarts: 1", "max_restart: 1", 'unknown key "max_restart"'),
    ],
)
def test_what_cannot_be_meant_is_refused(old: str, new: str, said: str) -> None:
    with pytest.raises(TopologySchemaError, match=said):
        parse_topology(CREW.replace(old, new))


async def test_a_group_of_a_file_restarts_its_members_and_ends_the_runtime() -> None:
    async def program(base: Path) -> None:
        topology = parse_topology(CREW).topology
        async with Runtime.from_topology(topology, run_directory=base) as runtime:
            first, second = (runtime.launched.refs[name] for name in ("first", "second"))
            assert await first.add(1) == 6
            assert await second.add(1) == 1
            await second.divide.tell(0)
            while (await runtime.groups())[0].restarts < 2:  # noqa: ASYNC110  # there is no event
                await asyncio.sleep(0)
            assert await first.add(0) == 5
            await first.divide.tell(0)
            await asyncio.Event().wait()

    with private_folder() as base, pytest.raises(EscalatedError, match="group pair"):
        await program(base)
