"""Tables of BEAM's, read while they are written: what is cut off is never a result."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from passel.sims.beam import BeamTableError, Source
from passel.sims.beam.tables import confirming, table_of

if TYPE_CHECKING:
    from passel.sims.beam.rows import Shares

TRIPS = b"""iterations,bike,car,freight,walk
0,100.0,250.0,40.0,150.0
1,90.5,300.0,41.0,109.5
2,60.0,400.0,44.0,40.0
"""
SHARES = [
    {"bike": 0.2, "car": 0.5, "walk": 0.3},
    {"bike": 0.181, "car": 0.6, "walk": 0.219},
    {"bike": 0.12, "car": 0.8, "walk": 0.08},
]
PERCENT = b"""iterations,bike,car,walk
benchmark,10.0,70.0,20.0
0,25.0,50.0,25.0
1,20,80.0,0
"""
BY_HOUR = b"""hours,car,walk
1,10.0,0
2,30.0,40.0
3,0,0
"""
BY_MODE = b"""Modes,Bin_0,Bin_1,
car,10,30,
walk,0,40,
"""


def shares(found: list[Shares]) -> list[dict[str, float]]:
    return [{mode: round(share, 6) for mode, share in one.outcome.items()} for one in found]


def test_a_row_counts_once_two_looks_found_it_the_same() -> None:
    table = table_of("realizedModeChoice")
    assert table.read(TRIPS, settled=0) == []
    found = table.read(TRIPS, settled=0)
    assert shares(found) == SHARES
    assert [one.sample for one in found] == [500, 500, 500]
    assert table.read(TRIPS, settled=0) == []
    assert table.done == 3


def test_a_row_counts_at_once_when_a_later_file_confirms_it() -> None:
    table = table_of("realizedModeChoice")
    assert shares(table.read(TRIPS, settled=2)) == SHARES[:2]
    assert shares(table.read(TRIPS, settled=3)) == SHARES[2:]


def test_whole_rows_count_when_nothing_is_written_any_more() -> None:
    assert shares(table_of("modeChoice").read(TRIPS[:-1], settled=0, final=True)) == SHARES[:2]


def test_a_row_that_changed_between_two_looks_waits_for_a_third() -> None:
    table = table_of("realizedModeChoice")
    table.read(TRIPS, settled=0)
    wider = (
        TRIPS.replace(b",walk\n", b",walk,cav\n")
        .replace(b".0\n", b".0,0\n")
        .replace(b"9.5\n", b"9.5,0\n")
    )
    assert table.read(wider, settled=0) == []
    assert table.read(b"", settled=0) == []
    assert table.read(wider, settled=0) == []
    assert [one.outcome["cav"] for one in table.read(wider, settled=0)] == [0.0, 0.0, 0.0]


def test_a_mode_that_loses_its_column_stays_an_outcome() -> None:
    table = table_of("realizedModeChoice")
    table.read(TRIPS, settled=1)
    narrow = b"iterations,car,walk\n0,250.0,150.0\n1,300.0,100.0\n"
    assert shares(table.read(narrow, settled=2)) == [{"bike": 0.0, "car": 0.75, "walk": 0.25}]


def test_percentages_are_read_below_the_benchmark_and_say_no_sample() -> None:
    found = table_of("referenceRealizedModeChoice").read(PERCENT, settled=2)
    assert shares(found) == [
        {"bike": 0.25, "car": 0.5, "walk": 0.25},
        {"bike": 0.2, "car": 0.8, "walk": 0.0},
    ]
    assert [one.sample for one in found] == [0, 0]


@pytest.mark.parametrize(
    ("source", "content"), [("ITERS/realizedMode", BY_HOUR), ("ITERS/modeChoice", BY_MODE)]
)
def test_hours_are_added_up_once_the_iteration_is_confirmed(source: Source, content: bytes) -> None:
    table = table_of(source)
    assert table.path() == f"ITERS/it.0/0.{source[6:]}.csv"
    assert table.read(content, settled=0) == []
    assert table.read(content, settled=0) == []  # two equal looks say nothing of rows to come
    (found,) = table.read(content, settled=1)
    assert (found.outcome, found.sample) == ({"car": 0.5, "walk": 0.5}, 80)
    assert table.path() == f"ITERS/it.1/1.{source[6:]}.csv"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"iterations,car\n0,\xff\n", "line 2: it is no text"),
        (b"iterations,car\n0,NaN\n", "line 2: NaN is no count"),
        (b"iterations,car\n0,-4\n", "line 2: -4 is no count"),
        (b"iterations,car\n0,many\n", "line 2: 'many' is no number"),
        (b"iterations,car,walk\n0,3\n", "1 numbers of '0', where 2 of iteration 0"),
        (b"iterations,car\n7,3\n", "1 numbers of '7', where 1 of iteration 0"),
        (b"iterations,car\n0,0\n", "line 2: there is nothing but 0"),
        (b"iterations,car,car\n0,1,2\n", "line 1: 'iterations,car,car' is no header"),
        (b"\0\0\0\n0,1\n", "line 1"),
    ],
)
def test_a_row_that_is_none_is_an_error_once_it_stays(content: bytes, reason: str) -> None:
    table = table_of("realizedModeChoice")
    assert table.read(content, settled=1) == []
    with pytest.raises(BeamTableError, match=reason):
        table.read(content, settled=1)


def test_an_hourly_table_that_is_cut_is_an_error() -> None:
    for content in (BY_HOUR[:-3], BY_HOUR[:-1], b"hours,car\n1\n", b"hours,car\n"):
        with pytest.raises(BeamTableError):
            table_of("ITERS/realizedMode").read(content, settled=1)


def test_commute_tables_and_what_confirms_them_have_their_ending() -> None:
    assert table_of("modeChoice", commute=True).path() == "modeChoice_commute.csv"
    assert confirming("ITERS/realizedMode", 3, commute=True) == (
        "ITERS/it.3/3.replanningEventReason_commute.csv",
        "ITERS/it.4",
    )
    assert confirming("referenceModeChoice", 0) == (
        "ITERS/it.0/0.modeChosenAvailableAlternativesCount.csv",
        "ITERS/it.1",
    )


LOOKS = st.lists(
    st.tuples(st.integers(0, len(TRIPS)), st.integers(0, 3), st.booleans()), max_size=12
)


@given(LOOKS)
def test_whatever_part_of_a_table_is_seen_no_cut_row_is_a_result(
    looks: list[tuple[int, int, bool]],
) -> None:
    """Any parts in any order, confirmed or not: what comes is the whole table's, in its order."""
    table = table_of("realizedModeChoice")
    found: list[dict[str, float]] = []
    for length, settled, final in looks:
        new = table.read(TRIPS[:length], settled=settled, final=final)
        if new:
            assert len(found) + len(new) < TRIPS[:length].count(b"\n")  # the header's is one
        found += shares(new)
    assert found == SHARES[: len(found)]
    assert table.done == len(found)


@given(st.integers(0, len(BY_HOUR) - 1), st.booleans())
def test_a_part_of_an_hourly_table_is_no_result_before_it_is_confirmed(
    length: int, twice: bool
) -> None:
    table = table_of("ITERS/realizedMode")
    for _ in range(1 + twice):
        assert table.read(BY_HOUR[:length], settled=0) == []
