from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from rich.console import Console

from passel.runtime.cli.output import ActorRow, JsonLines, Lines
from passel.runtime.cli.run import configure_logging
from passel.runtime.cli.transcript import (
    Answered,
    LineBreaker,
    Noted,
    Spoken,
    answer_text,
    interpret,
    text_of,
)
from passel.runtime.cli.view import LiveView

if TYPE_CHECKING:
    import pytest


@dataclass
class Event:
    """An event as a typed stream yields it."""

    worker: str
    text: str
    tick: int = 0


def test_events_are_told_apart_by_their_fields() -> None:
    assert interpret(Event("Ada", "hi ")) == Spoken("Ada", "hi ")
    assert interpret({"worker": "Ada", "text": "x"}) == Spoken("Ada", "x")
    assert interpret({"answer": 4, "type": "Done", "known": 4}) == Answered(4, {"known": 4})
    assert interpret({"a": [1]}) == Noted('{"a": [1]}')
    assert interpret("plain") == Noted("plain")


def test_lines_are_made_of_pieces() -> None:
    breaker = LineBreaker()
    assert breaker.feed(Spoken("Ada", "one ")) == []
    assert breaker.feed(Spoken("Bob", "zwei\ndr")) == ["Bob | zwei"]
    assert breaker.feed(Spoken("Ada", "two\n")) == ["Ada | one two"]
    assert breaker.flush() == ["Bob | dr"]
    assert breaker.feed(Spoken("Ada", "step\n\n \n")) == ["Ada | step"]
    long = breaker.feed(Spoken("Ada", "word " * 50))
    assert len(long) == 2
    assert all(len(line) <= 106 for line in long)


STEERING = "\x1b[31mred\x1b]0;title\x07"
SHOWN = r"\x1b[31mred\x1b]0;title\x07"


def test_nothing_that_actors_write_steers_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    file = io.StringIO()
    console = Console(file=file, width=120, height=60, color_system=None)
    view = LiveView("crew", console)
    row = ActorRow(name="ada", kind=STEERING, node="side", state="idle", depth=0, rate=0.0)
    lines = Lines("crew")
    for output in (view, lines):
        output.actors([row])
        output.event(Event(STEERING, STEERING + "\n"))
        output.event({STEERING: [STEERING]})
        output.event(STEERING)
        output.event({"table": STEERING, "columns": [STEERING], "rows": [[STEERING]]})
        output.event({"answer": STEERING, "known": STEERING})
        output.result({"long": STEERING * 5})
    with console.capture() as capture:
        console.print(view.render())
    view.close()
    lines.close()

    for shown in (file.getvalue(), capture.get(), capsys.readouterr().out):
        assert SHOWN in shown
        assert not any(control in shown for control in ("\x1b[31m", "\x1b]", "\x07"))


def test_a_log_line_that_names_what_an_actor_wrote_is_printable(
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = structlog.get_config()
    try:
        configure_logging(verbose=False)
        error = ValueError(STEERING)
        structlog.get_logger().error("tell failed", reason=STEERING, count=3, exc_info=error)
    finally:
        structlog.configure(**before)

    shown = capsys.readouterr().err
    assert "tell failed" in shown
    assert "count=3" in shown
    assert shown.count(SHOWN) == 2
    assert not any(control in shown for control in ("\x1b", "\x07"))


def test_results_are_readable() -> None:
    assert text_of("text") == "text"
    assert text_of({"a": 1}) == '{"a": 1}'
    assert text_of({"long": "x" * 99, "b": [1]}) == f"long: {'x' * 99}\nb: [1]"
    assert text_of(Path("/a/b")) == "/a/b"
    assert text_of({"here": Path("/a"), "there": [Path("caf\udce9")]}) == (
        '{"here": "/a", "there": ["caf\\\\udce9"]}'
    ), "also where a file name is no text"
    assert text_of(object()).startswith("<object")
    assert answer_text(Answered("42", {"known": 41})) == "answer: 42\nknown: 41"


def test_the_view_shows_actors_and_the_workers_side_by_side() -> None:
    file = io.StringIO()
    console = Console(file=file, width=90, height=30, force_terminal=True, color_system=None)
    view = LiveView("crew", console)
    view.actors(
        [ActorRow(name="ada", kind="Worker", node="side", state="busy", depth=3, rate=1234.5)]
    )
    view.phase("running")
    for index in range(50):
        view.event(Event("Ada", f"a{index} "))
        view.event(Event("Bob", f"b{index} "))
    view.event({"note": "by the way"})
    view.event({"answer": "42", "known": "42"})
    with console.capture() as capture:
        console.print(view.render())
    shown = capture.get()
    assert "1,234" in shown or "1,235" in shown
    assert any("Ada" in line and "Bob" in line for line in shown.splitlines())
    assert "a49" in shown
    view.close()
    whole = file.getvalue()
    assert '{"note": "by the way"}' in whole
    assert whole.rstrip().endswith("known: 42")


def test_a_table_takes_the_place_of_an_earlier_one_and_is_no_line_of_a_log(
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = io.StringIO()
    view = LiveView("fit", Console(file=file, width=60, height=30, color_system=None))
    for loss in (9.5, 3.25):
        view.event({"table": "best", "columns": ["loss"], "rows": [[loss]]})
    view.close()
    lines = Lines("fit")
    lines.event({"table": "best", "columns": ("loss",), "rows": ((3.25,),)})
    lines.close()

    shown = file.getvalue()
    assert "best" in shown
    assert shown.count("3.25") == 1
    assert "9.5" not in shown
    assert capsys.readouterr().out == ""


def test_narrow_terminals_get_panels_under_one_another() -> None:
    console = Console(file=io.StringIO(), width=40, height=20, force_terminal=True)
    view = LiveView("crew", console)
    for worker in ("Ada", "Bob"):
        view.event(Event(worker, "text " * 100))
    view.close()
    with console.capture() as capture:
        console.print(view.render())
    lines = capture.get().splitlines()
    assert not any("Ada" in line and "Bob" in line for line in lines)
    assert len(lines) <= 20 + 8


def test_a_run_without_an_answer_ends_on_its_last_phase() -> None:
    for value in (None, "42"):
        file = io.StringIO()
        view = LiveView("crew", Console(file=file, width=40, force_terminal=True))
        if value is not None:
            view.result(value)
        view.phase("stopping; a second signal kills")
        view.phase("stopped")
        view.close()
        assert ("crew: stopped" in file.getvalue()) == (value is None)


def test_plain_output_is_lines_and_json_output_is_objects(
    capsys: object,
) -> None:
    for output in (Lines("crew"), JsonLines("crew")):
        output.phase("running")
        output.event({"worker": "Ada", "text": "hi"})
        output.actors([])
        output.result({"x": 1})
        output.close()
    captured = capsys.readouterr()  # type: ignore[attr-defined]
    assert captured.err == "crew: running\n"
    assert captured.out.splitlines() == [
        '{"x": 1}',
        "Ada | hi",
        '{"kind": "phase", "runtime": "crew", "phase": "running"}',
        '{"kind": "event", "event": {"worker": "Ada", "text": "hi"}}',
        '{"kind": "actors", "actors": []}',
        '{"kind": "result", "result": {"x": 1}}',
    ]
