from __future__ import annotations

import traceback

import pytest

from passel.protocols.errors import RemoteError, SpawnError
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


def _fall(error: Exception) -> Exception:
    """Return an error with a frame."""
    with pytest.raises(type(error)) as caught:
        raise error
    return caught.value


def _failed(cause: Exception, where: str) -> SpawnError:
    """Return the error of a start that failed here, or on another node."""
    said = f"{type(cause).__name__}: {cause} (crew.py:1, in started)"
    error = SpawnError("actor side/shop (crew:Shop)", said)
    if where == "here":
        error.__cause__ = cause
    else:
        error.remote_traceback = "".join(traceback.format_exception(cause))
        error.add_note(f"\nTraceback at the actor:\n{error.remote_traceback}")
    return error


@pytest.mark.parametrize("where", ["here", "elsewhere"])
def test_a_failed_start_is_told_with_its_notes_and_once(
    capsys: pytest.CaptureFixture[str], where: str
) -> None:
    cause = ValueError("too dear\nby far")
    cause.add_note("the price is in shop.yaml")
    error = _failed(_fall(cause), where)
    error.add_note("while it was restarted")
    text = shown(capsys, error)
    for words in ("too dear", "by far", "the price is in shop.yaml", "while it was restarted"):
        assert text.count(words) == 1, text
    assert text.count("in _fall") == 1
    assert "Traceback" not in text


@pytest.mark.parametrize("where", ["here", "elsewhere"])
def test_a_failed_start_of_several_errors_is_told_with_the_frames_and_words_of_each(
    capsys: pytest.CaptureFixture[str], where: str
) -> None:
    dear = ValueError("too dear\nby far")
    dear.add_note("the price is in shop.yaml")
    inner = _fall(ExceptionGroup("inner", [_fall(dear), KeyError("never raised")]))
    group = _fall(ExceptionGroup("outer", [inner, _fall(OSError("shut"))]))
    text = shown(capsys, _failed(group, where))
    assert "ExceptionGroup: outer (2 sub-exceptions)" in text
    assert "\nValueError: too dear\nby far\nthe price is in shop.yaml\n" in text
    assert "\nKeyError: 'never raised'\n" in text
    assert text.count("in _fall") == 3
    assert text.endswith("(more with --traceback)\n"), "shut is the fourth"
    assert "|" not in text
    assert "+--" not in text


def test_of_an_error_that_a_group_caused_the_last_frames_are_its_own(
    capsys: pytest.CaptureFixture[str],
) -> None:
    error = _fall(ValueError("after all"))
    error.__cause__ = _fall(ExceptionGroup("before", [_fall(OSError("shut"))]))
    text = shown(capsys, _failed(error, "here"))
    assert text.count("in _fall") == 1
    assert "shut" not in text
