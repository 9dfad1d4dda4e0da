from __future__ import annotations

import pytest

from passel.protocols.errors import RemoteError
from passel.runtime.cli.report import report

FRAMES = "".join(f'  File "crew.py", line {n}, in step_{n}\n    step_{n + 1}()\n' for n in range(6))
TRACEBACK = f"Traceback (most recent call last):\n{FRAMES}ValueError: too dear\n"


def shown(capsys: pytest.CaptureFixture[str], error: Exception, **how: bool) -> str:
    """Return what a report writes."""
    report(error, **how)
    return capsys.readouterr().err


def test_what_a_handler_raised_is_told_with_its_last_frames(
    capsys: pytest.CaptureFixture[str],
) -> None:
    error = RemoteError("side/shop", "ValueError", "too dear", TRACEBACK)
    text = shown(capsys, error, asked=True)
    assert text.startswith("error: side/shop raised ValueError: too dear\n")
    assert text.endswith("(more with --traceback)\n")
    assert [f"step_{n}" for n in range(6) if f"in step_{n}\n" in text] == [
        "step_3",
        "step_4",
        "step_5",
    ]
    for how in ({"asked": True, "whole": True}, {}):
        assert "in step_0\n" in shown(capsys, error, **how)


@pytest.mark.parametrize(
    ("type_name", "lines"),
    [
        ("passel.actors.tools.errors.ToolNotFoundError", 1),
        ("passel.protocols.errors.RemoteError", 8),
        ("shop.PriceError", 8),
    ],
)
def test_an_error_of_our_own_is_one_line(
    capsys: pytest.CaptureFixture[str], type_name: str, lines: int
) -> None:
    error = RemoteError("side/shop", type_name, "no such thing", TRACEBACK)
    assert len(shown(capsys, error, asked=True).splitlines()) == lines
