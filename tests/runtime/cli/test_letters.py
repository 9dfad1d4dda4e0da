from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from passel import DeadlineError, Runtime
from tests.runtime.crew import Counter
from tests.runtime.worlds import private_folder

if TYPE_CHECKING:
    from tests.runtime.cli.conftest import Host


@pytest.mark.process
async def test_a_program_reads_the_dead_letters_of_all_nodes() -> None:
    with private_folder() as base:
        async with Runtime(run_directory=base) as rt:
            await rt.start_node("side")
            for node in ("", "side"):
                counter = await rt.options(node=node).spawn(Counter)
                home = node or "leader"
                while not any(n.target.startswith(home) for n in await rt.dead_letters()):
                    with pytest.raises(DeadlineError):  # one withdrawn before its turn is no letter
                        await counter.add.options(timeout=0.0)(1)
            letters = await rt.dead_letters()
    assert {letter.target.partition("/")[0] for letter in letters} == {"leader", "side"}
    assert {letter.method for letter in letters} == {"add"}
    assert [letter.ago for letter in letters] == sorted((n.ago for n in letters), reverse=True)


@pytest.mark.process
def test_letters_shows_what_reached_no_handler(host: Host) -> None:
    host.serve("serving.yaml")
    assert host.run("letters", "serving").stdout == "no dead letters\n"
    found: list[dict[str, str]] = []
    while not found:  # one withdrawn before its turn is no letter
        late = host.run("ask", "serving", "counter", "add", "1", "--timeout", "0.000001")
        assert late.returncode == 1
        found = json.loads(host.run("letters", "serving", "--json").stdout)
    assert found[0]["method"] == "add"
    shown = host.run("letters", "serving", "-n", "1").stdout
    assert "counter" in shown
    assert "deadline passed" in shown
