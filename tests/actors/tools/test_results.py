"""Results of tools as plain data."""

from __future__ import annotations

import datetime as dt
import enum
from typing import Any

import msgspec
import numpy as np
import pytest

from passel.actors.tools import ToolFailedError
from passel.actors.tools.results import plain
from tests.actors.tools.crew import Place


class Colour(enum.Enum):
    """A colour."""

    RED = "red"


class Record(msgspec.Struct):
    """A record with a record."""

    place: Place
    colour: Colour = Colour.RED


@pytest.mark.parametrize(
    ("value", "result"),
    [
        (None, None),
        ("Action: Finish($1)", "Action: Finish($1)"),
        (2**64 - 1, 2**64 - 1),
        (True, True),
        (b"x", b"x"),
        (np.float64(1.5), 1.5),
        (np.int32(7), 7),
        (np.datetime64("2026-01-02"), "2026-01-02"),
        ((1, [2, {3}]), [1, [2, [3]]]),
        (Record(Place("x")), {"place": {"name": "x", "height": 0.0}, "colour": "red"}),
        ({Colour.RED: Place("x")}, {"red": {"name": "x", "height": 0.0}}),
        (dt.date(2026, 1, 2), "2026-01-02"),
    ],
)
def test_results_become_plain_data(value: Any, result: Any) -> None:
    found = plain("t", value)
    assert (found, type(found)) == (result, type(result))


def test_arrays_stay_what_they_are() -> None:
    array = np.arange(3)
    assert plain("t", {"array": array})["array"] is array


@pytest.mark.parametrize(
    "value", [object(), [lambda: 1], np.sin, np.complex64(1j), 2**64, {"a": {"b": object}}]
)
def test_what_cannot_travel_is_said(value: Any) -> None:
    with pytest.raises(ToolFailedError, match="tool t failed: result: "):
        plain("t", value)


def test_what_holds_itself_is_said() -> None:
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(ToolFailedError):
        plain("t", circle)
