"""What is read of BEAM's before a trial: the benchmark, and who can choose what."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from passel.protocols.trial import Availability
from passel.sims.beam import BeamTableError, read_alternatives, read_benchmark

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "modeChosen, alternativesAvailable, numberOfTimes\n"


def test_a_benchmark_is_shares_of_one_by_mode(tmp_path: Path) -> None:
    path = tmp_path / "benchmark.csv"
    path.write_text("iterations,car,walk,freight\nbenchmark,30,10,5")
    assert read_benchmark(path) == {"car": 0.75, "walk": 0.25}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("iterations,car\nbenchmark,0", "nothing but 0"),
        ("iterations,car", "a line of modes and a line of their shares"),
        ("iterations,car,walk\nbenchmark,1", "1 shares, where line 1 names 2 modes"),
        ("iterations,car\nbenchmark,much", "'much' is no number"),
        (None, "No such file"),
    ],
)
def test_a_benchmark_without_shares_is_an_error(
    tmp_path: Path, text: str | None, reason: str
) -> None:
    path = tmp_path / "benchmark.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(BeamTableError, match=reason):
        read_benchmark(path)


def test_alternatives_are_added_up_over_what_was_chosen(tmp_path: Path) -> None:
    path = tmp_path / "alternatives.csv"
    path.write_text(
        HEADER
        + "car, CAR:WALK:CAR, 3\nwalk, walk:car, 4\nwalk, walk, 2\ncav, , 1\nfreight, null, 9\n"
    )
    assert read_alternatives(path) == (
        Availability(alternatives=("car", "walk"), weight=7.0),
        Availability(alternatives=("walk",), weight=2.0),
        Availability(alternatives=("cav",), weight=1.0),
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("iterations,car\n0,1\n", "line 1: it should be modeChosen"),
        (HEADER + "car, car:walk\n", "line 2: 2 fields"),
        (HEADER + "car, car:walk, 1", "line 2: it is cut off here"),
        (HEADER + "car, car:walk, x\n", "line 2: 'x' is no number"),
        (None, "No such file"),
    ],
)
def test_another_table_says_nothing_of_alternatives(
    tmp_path: Path, text: str | None, reason: str
) -> None:
    path = tmp_path / "alternatives.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(BeamTableError, match=reason):
        read_alternatives(path)
