from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from passel import Runtime
from passel.actors.processes import InvalidCommandError
from passel.actors.simulator import CommandSimulator, InvalidSimulatorError
from passel.actors.simulator.output_lines import LINE_BYTES, OutputLines
from passel.agents.stream import closing
from passel.protocols.trial import Iteration, TrialEnded
from tests.runtime.test_orphans import ended as has_ended
from tests.runtime.worlds import until

from .trials import ONE, outcomes_of, trial

if TYPE_CHECKING:
    from pathlib import Path


def shell(script: str, **options: Any) -> dict[str, Any]:
    script = script.replace("{", "{{").replace("}", "}}")
    return {"command": ["sh", "-c", script, "sh", "{x}", "{seed}", "{iterations}"], **options}


async def run(
    options: dict[str, Any], iterations: int = 2
) -> tuple[list[dict[str, float]], TrialEnded]:
    """Run a trial with x = 0.5 on a simulator of a command."""
    async with Runtime() as runtime:
        simulator = await runtime.spawn(CommandSimulator, **options)
        return await outcomes_of(simulator, trial(iterations, x=0.5))


@pytest.mark.process
async def test_each_line_of_a_program_is_an_iteration() -> None:
    script = (
        """echo noise >&2; echo '{"x": '$1', "n": 40}'; echo; printf '{"x": %s, "n": %s}' $2 $3"""
    )
    async with Runtime() as runtime:
        simulator = await runtime.spawn(
            CommandSimulator, **shell(script, sample="n", iterations=2, outcomes=["x"])
        )
        spec = await simulator.describe()
        events = [event async for event in simulator.start(trial(2, x=0.5))]
    assert (spec.parameters, spec.outcomes, spec.iterations) == (("x",), ("x",), 2)
    first, second, ended = events
    assert isinstance(first, Iteration)
    assert isinstance(second, Iteration)
    assert (first.outcome, first.sample) == ({"x": 0.5}, 40)
    assert (second.outcome, second.sample) == ({"x": 7.0}, 2)
    assert ended == TrialEnded(trial=ONE, ending="finished", iterations=2)


@pytest.mark.process
@pytest.mark.parametrize(
    ("script", "done", "says"),
    [
        (
            """echo '{"x": 1}'; echo why >&2; exit 3""",
            1,
            "(exit code 3); the last it wrote:\n    why",
        ),
        ("kill -SEGV $$", 0, "(SIGSEGV)"),
        ("true", 0, "sh ended before it was asked to (exit code 0)"),
        ("""echo '{"x": NaN}'""", 0, "x is nan"),
        ("""echo '{"y": 1}'""", 0, "x is missing"),
        ("""echo '{"x": "1"}'""", 0, "sh gave '1', which is no number"),
        ("""echo '{"x": 1, "n": -1}'""", 0, "sh gave n = -1.0, which counts nothing"),
        ("echo '[1]'", 0, "sh wrote '[1]', which is JSON, but no object"),
        ("""printf '{"x": 1'""", 0, """sh wrote '{"x": 1', which is no JSON"""),
        ("""echo '{"x": 1}'; exec >&-; sleep 600""", 1, "(it has closed its output)"),
        ("echo a >&2; sleep 600", 0, "sh wrote nothing for 0.3 s; the last it wrote:\n    a"),
        ("yes | tr -d '\\n'", 0, "wrote a line of more than 1048576 bytes"),
    ],
)
async def test_a_program_that_misbehaves_costs_its_trial(script: str, done: int, says: str) -> None:
    timeout = 0.3 if "sleep" in script and done == 0 else 30.0
    outcomes, ended = await run(
        shell(script, outcomes=["x"], sample="n", timeout=timeout, end_grace=0.05)
    )
    assert (len(outcomes), ended.ending) == (done, "failed")
    assert says in ended.detail


@pytest.mark.process
async def test_a_program_ends_with_all_it_has_started_when_its_trial_is_stopped(
    tmp_path: Path,
) -> None:
    script = """trap '' TERM; sleep 600 & echo $! > child; mv child pid; echo '{"x": 1}'; wait"""
    async with Runtime() as runtime:
        options = shell(script, directory=str(tmp_path), end_grace=0.05)
        simulator = await runtime.spawn(CommandSimulator, **options)
        async with closing(simulator.start(trial(5, x=1))) as events:
            await anext(events)
            await simulator.stop(ONE)
            assert await anext(events) == TrialEnded(trial=ONE, ending="stopped", iterations=1)
        await until((tmp_path / "pid").exists)
        await has_ended(int((tmp_path / "pid").read_text()))


@pytest.mark.process
async def test_a_program_that_is_far_ahead_waits_for_its_reader() -> None:
    counting = "import itertools\nfor n in itertools.count(): print('{{\"n\": %d}}' % n)"
    options: dict[str, Any] = {
        "command": [sys.executable, "-S", "-E", "-c", counting],
        "end_grace": 0.0,
    }
    async with Runtime() as runtime:
        simulator = await runtime.spawn(CommandSimulator, **options)
        outcomes, _ = await outcomes_of(simulator, trial(200))
    assert [outcome["n"] for outcome in outcomes] == list(range(200))


async def test_what_is_no_command_is_refused() -> None:
    with pytest.raises(InvalidCommandError, match="should name a program"):
        CommandSimulator(command=[])
    with pytest.raises(InvalidSimulatorError, match="sh cannot be simulated with: 0 slots"):
        CommandSimulator(command=["sh"], slots=0)
    async with Runtime() as runtime:
        with pytest.raises(Exception, match="there is no program no-such"):
            await runtime.spawn(CommandSimulator, command=["no-such"])
        with pytest.raises(Exception, match="it is no folder to run in"):
            await runtime.spawn(CommandSimulator, command=["sh"], directory="gone")


def test_lines_are_taken_in_order_and_bounded() -> None:
    lines = OutputLines()
    lines.feed(b"one\n\ntw")
    lines.feed(b"o\nthr")
    assert [lines.take(), lines.take(), lines.take()] == [b"one", b"two", None]
    lines.feed(b"")
    assert (lines.take(), lines.ended) == (b"thr", True)
    for _ in range(5):
        lines.feed(b"x" * (LINE_BYTES - 1) + b"\n")
    assert lines.full
    lines.take()
    lines.take()
    assert not lines.full
    lines.feed(b"x" * (LINE_BYTES + 1))
    assert lines.too_long
