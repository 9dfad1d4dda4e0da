from __future__ import annotations

from passel.actors.processes import LastLines


def test_lines_are_whole_however_they_come() -> None:
    lines = LastLines(kept=3)

    assert lines.feed(b"one\r\ntw") == ["one"]
    assert lines.feed(b"o\n\n10%\r20%\rthree") == ["two", "10%", "20%"]
    assert lines.feed(b"\n" + b"x" * 9_000 + b"\n") == ["three", "x" * 2_000]
    assert list(lines.last) == ["20%", "three", "x" * 2_000]


def test_a_line_without_end_takes_no_memory() -> None:
    lines = LastLines()

    for _ in range(100):
        lines.feed(b"x" * 1_000)

    assert lines.feed(b"\n") == ["x" * 2_000]


def test_the_tail_has_the_line_that_is_not_finished() -> None:
    lines = LastLines()
    lines.feed(b"one\ntwo\nthr")

    assert lines.tail(2) == ["two", "thr"]
