from __future__ import annotations

import pytest

from passel.actors.chat.server_lines import phase_of


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
