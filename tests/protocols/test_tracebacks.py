from __future__ import annotations

import pytest

from passel.protocols.errors import ClassLoadError
from passel.protocols.tracebacks import below_runtime, short_text
from passel.runtime.loading import load_class


def _fall(depth: int) -> None:
    if depth:
        (_fall if depth % 2 else _fall_on)(depth - 1)
    raise ValueError("landed")


def _fall_on(depth: int) -> None:
    _fall(depth)


def test_a_long_traceback_keeps_its_end_and_says_so() -> None:
    with pytest.raises(ValueError, match="landed") as caught:
        _fall(60)
    first, *lines = short_text(caught.value).splitlines()
    assert first == "(its node's log has the rest)"
    assert lines[-1] == "ValueError: landed"
    assert len("\n".join(lines)) <= 4_000
    assert any(line.startswith('  File "') for line in lines)


@pytest.mark.parametrize(
    ("words", "grouped"),
    [("x" * 5_000, False), ("x\n" * 2_500, False), ("x" * 5_000, True)],
    ids=["one line", "many lines", "in a group"],
)
def test_an_error_of_many_words_keeps_its_frames(words: str, grouped: bool) -> None:
    def speak() -> None:
        raise ValueError(words)

    def gather() -> None:
        try:
            speak()
        except ValueError as error:
            raise ExceptionGroup("all", [error]) from None

    with pytest.raises(ExceptionGroup if grouped else ValueError) as caught:
        (gather if grouped else speak)()
    text = short_text(caught.value)
    assert len(text) < 4_100
    assert "in speak" in text
    assert "ValueError: x" in text
    assert "characters ...]" in text


def test_frames_of_the_runtime_are_left_out_only_where_they_come_first() -> None:
    with pytest.raises(ClassLoadError, match="module:Class") as caught:
        load_class("no colon")
    trace = caught.tb
    assert below_runtime(trace) is trace, "this test is no part of the runtime"
    assert trace.tb_next is not None
    assert below_runtime(trace.tb_next) is None
