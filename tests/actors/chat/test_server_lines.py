from __future__ import annotations

import pytest

from passel.actors.chat.server_lines import phase_of, tell_of_a_taken_port


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


@pytest.mark.parametrize(
    ("line", "taken"),
    [
        ("OSError: [Errno 98] Address already in use", True),
        ("[Errno 98] error while attempting to bind on ('::', 8000): address already in use", True),
        ("torch.distributed.DistNetworkError: EADDRINUSE", True),
        ("ValueError: unknown flag --nonsense", False),
    ],
)
def test_a_log_says_that_a_port_was_taken(line: str, taken: bool) -> None:
    assert tell_of_a_taken_port(["INFO starting", line, "and what follows"]) == taken
