from __future__ import annotations

import pytest

from passel.actors.chat.server_lines import ServerLines, phase_of


def test_lines_are_whole_however_they_come() -> None:
    lines = ServerLines(kept=3)

    assert lines.feed(b"one\r\ntw") == ["one"]
    assert lines.feed(b"o\n\n10%\r20%\rthree") == ["two", "10%", "20%"]
    assert lines.feed(b"\n" + b"x" * 9_000 + b"\n") == ["three", "x" * 2_000]
    assert list(lines.last) == ["20%", "three", "x" * 2_000]


def test_a_line_without_end_takes_no_memory() -> None:
    lines = ServerLines()

    for _ in range(100):
        lines.feed(b"x" * 1_000)

    assert lines.feed(b"\n") == ["x" * 2_000]


@pytest.mark.parametrize(
    ("line", "phase"),
    [
        ("INFO [gpu_model_runner.py:1] Starting to load model tiny...", "loading weights"),
        ("INFO:     Application startup complete.", "serving"),
        ("INFO nothing of note", None),
    ],
)
def test_a_log_says_how_far_a_start_is(line: str, phase: str | None) -> None:
    assert phase_of(line) == phase
