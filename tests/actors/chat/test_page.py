"""The page about models says what is so."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from passel import Runtime
from passel.actors import chat
from passel.actors.chat.serving import PASSED_ON
from passel.protocols.chat import ChatMessage, ChatRequest, TextDelta
from passel.runtime.topology import read_topology, require_sound
from tests.runtime.worlds import private_folder
from tests.source import ROOT
from tests.test_documents import blocks

if TYPE_CHECKING:
    from pathlib import Path

PAGE = ROOT / "docs" / "models.md"
TOPOLOGIES = blocks(PAGE, "yaml")


@pytest.mark.parametrize("number", range(3))
def test_its_topologies_are_sound(number: int, tmp_path: Path) -> None:
    assert len(TOPOLOGIES) == 3
    file = tmp_path / "topology.yaml"
    file.write_text(TOPOLOGIES[number])

    require_sound(read_topology(file))


async def test_its_script_is_followed(tmp_path: Path) -> None:
    file = tmp_path / "topology.yaml"
    file.write_text(TOPOLOGIES[0])
    question = ChatMessage(role="user", content="The capital?")
    with private_folder() as base:
        async with Runtime.from_topology(file, run_directory=base) as runtime:
            model = await runtime.lookup("model", chat.ChatModel)
            pieces = [piece async for piece in model.chat(ChatRequest(messages=(question,)))]

    assert "".join(piece.text for piece in pieces if isinstance(piece, TextDelta)) == "Paris"


@pytest.mark.process
def test_its_program_prints_what_it_should(tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    program, stand_in = blocks(PAGE, "python")
    script.write_text(f"{stand_in}\n\nRehearsed(base_url='')\n\n{program}")
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert (done.stdout, done.returncode) == ("Paris, of course. (stop)\n", 0), done.stderr


def test_its_errors_are_those_of_the_code() -> None:
    table = PAGE.read_text().partition("## What goes wrong")[2]
    named = set(re.findall(r"`(\w+Error)`", table)) - {"ChatError", "DeadlineError"}

    assert named == {name for name in chat.__all__ if name.endswith("Error")} - {"ChatError"}
    assert {"PATH", "HOME", "CUDA_VISIBLE_DEVICES"} <= set(PASSED_ON)
