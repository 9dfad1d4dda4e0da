"""Whole runs over several nodes, in a simulated world in which nodes crash, pause and are cut off."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.agents.seeds import stands

TOPOLOGY = Path(__file__).with_name("simulated.yaml")
SEEDS_A_PART = 5


@pytest.mark.parametrize("part", range(3))
def test_every_question_ends_whatever_happens_to_the_nodes_of_its_tools(part: int) -> None:
    stands(TOPOLOGY, range(part * SEEDS_A_PART, (part + 1) * SEEDS_A_PART))
