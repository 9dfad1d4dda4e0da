"""Whole calibrations over several nodes, in a simulated world in which nodes crash and disks fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.agents.seeds import stands

TOPOLOGY = Path(__file__).with_name("simulated.yaml")
SEEDS_A_PART = 8


@pytest.mark.parametrize("part", range(2))
def test_no_trial_is_lost_or_counted_twice_whatever_happens(part: int) -> None:
    stands(TOPOLOGY, range(part * SEEDS_A_PART, (part + 1) * SEEDS_A_PART))
