"""The adapter on a BEAM that behaves."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from passel import Runtime
from passel.actors.processes import InvalidCommandError
from passel.actors.simulator import TrialRefusedError
from passel.agents.stream import closing
from passel.protocols.log import log
from passel.protocols.trial import Iteration, Trial, TrialId
from passel.sims.beam import Beam, BeamParameterError, BeamSetupError, Source
from tests.runtime.worlds import until

from .crew import COMMAND, MODES, ONE, beam_options, outcomes_of, running, trial

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.process


async def test_a_trial_tells_the_shares_of_each_iteration_and_leaves_its_output(
    tmp_path: Path,
) -> None:
    async with running(tmp_path, modes=["cav"]) as beam:
        outcomes, ended = await outcomes_of(beam, trial(4, car_intercept=2.0))
        (_, ended_again) = await outcomes_of(beam, trial(1))

    assert [set(outcome) for outcome in outcomes] == [{*MODES, "cav"}] * 4
    assert all(sum(outcome.values()) == pytest.approx(1.0) for outcome in outcomes)
    assert outcomes[0]["car"] < outcomes[1]["car"] < outcomes[3]["car"]
    assert (ended.ending, ended.iterations, ended.detail) == ("finished", 4, "")
    assert ended.output == str(tmp_path / "outputs" / "trial-one")
    (run,) = (tmp_path / "outputs" / "trial-one").iterdir()
    assert "3.realizedMode.csv" in [path.name for path in (run / "ITERS" / "it.3").iterdir()]
    assert ended_again.output == str(tmp_path / "outputs" / "trial-one-2")
    assert [path.name for path in (tmp_path / "scenario").iterdir()] == ["toy.conf"]


@pytest.mark.parametrize("commute", [False, True])
@pytest.mark.parametrize(
    "source",
    [
        "realizedModeChoice",
        "referenceRealizedModeChoice",
        "modeChoice",
        "referenceModeChoice",
        "ITERS/realizedMode",
        "ITERS/modeChoice",
    ],
)
async def test_every_table_tells_the_same_shares(
    tmp_path: Path, source: Source, commute: bool
) -> None:
    async with running(tmp_path, source=source, commute=commute) as beam:
        events = [event async for event in beam.start(trial(2))]
    seen = [event for event in events if isinstance(event, Iteration)]
    assert [event.sample for event in seen] == [0 if "reference" in source else 500] * 2
    assert [event.outcome["bike"] for event in seen] == pytest.approx([0.164, 0.172])


async def test_trials_of_one_seed_agree_and_run_side_by_side(tmp_path: Path) -> None:
    async with running(tmp_path, slots=2, keep_outputs="none") as beam:
        async with asyncio.TaskGroup() as tasks:
            runs = [
                tasks.create_task(outcomes_of(beam, trial(name=TrialId(f"t{n}"), seed=n // 2)))
                for n in range(4)
            ]
        outcomes = [run.result()[0] for run in runs]
    assert outcomes[0] == outcomes[1] != outcomes[2] == outcomes[3]
    assert list((tmp_path / "outputs").iterdir()) == []


@pytest.mark.parametrize("leave", [True, False])
async def test_nothing_is_left_when_its_reader_leaves_or_the_actor_ends(
    tmp_path: Path, leave: bool
) -> None:
    async with Runtime() as runtime:
        beam = await runtime.spawn(Beam, **beam_options(tmp_path, "hang", keep_outputs="none"))
        async with closing(beam.start(trial())) as events:
            await anext(events)
            if not leave:
                await runtime.stop(beam, grace=0.0)
        await until(
            lambda: [path.name for path in (tmp_path / "scenario").iterdir()] == ["toy.conf"]
        )
        await until(lambda: not list((tmp_path / "outputs").iterdir()))


async def test_what_signals_do_not_reach_is_cleaned_up_by_a_command(tmp_path: Path) -> None:
    cleanup = ["touch", "{folder}/{name}"]
    async with running(tmp_path, cleanup=cleanup, keep_outputs="none") as beam:
        await outcomes_of(beam, trial(1))
    assert (tmp_path / "scenario" / "passel-trial-one").exists()


async def test_a_clean_up_that_fails_is_logged_with_what_it_was_about(tmp_path: Path) -> None:
    lines: list[tuple[str, dict[str, Any]]] = []
    cleanup = ["sh", "-c", "echo no docker >&2; exit 4"]
    with log.caught(lambda level, event, facts: lines.append((f"{level}: {event}", facts))):
        async with running(tmp_path, cleanup=cleanup) as beam:
            await outcomes_of(beam, trial(1))

    (facts,) = [facts for event, facts in lines if event.startswith("warning: what BEAM left")]
    assert (facts["trial"], facts["name"]) == (ONE, "passel-trial-one")
    assert facts["cleanup"] == "exit code 4: no docker"


async def test_a_beam_sees_named_variables_only(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("MAXRAM", "3g")
    monkeypatch.setenv("SECRET", "x")
    script = 'echo "$MAXRAM $JAVA_OPTS $SECRET."; exit 3'
    command = ["sh", "-c", script, "{config}"]
    async with running(tmp_path, command=command, variables={"JAVA_OPTS": "-Xmx3g"}) as beam:
        _, ended = await outcomes_of(beam, trial())
    assert "exit code 3" in ended.detail
    assert "3g -Xmx3g ." in ended.detail


async def test_availability_is_told_from_an_earlier_run(tmp_path: Path) -> None:
    async with running(tmp_path) as beam:
        await outcomes_of(beam, trial(1))
    (run,) = (tmp_path / "outputs" / "trial-one").iterdir()
    table = run / "ITERS" / "it.0" / "0.modeChosenAvailableAlternativesCount.csv"
    async with running(tmp_path, alternatives=str(table), parameters=["car_intercept"]) as beam:
        spec = await beam.describe()
    assert [(len(part.alternatives), part.weight) for part in spec.availability] == [
        (6, 250.0),
        (4, 200.0),
        (2, 50.0),
    ]
    assert (spec.parameters, spec.extendable) == (("car_intercept",), False)


@pytest.mark.parametrize(
    ("parameter", "reason"),
    [("tram_intercept", "no parameter of BEAM"), ("fake.at", "the key of 'fake.at' is the same")],
)
async def test_a_trial_with_a_name_that_is_no_key_of_its_own_is_refused(
    tmp_path: Path, parameter: str, reason: str
) -> None:
    async with running(tmp_path, settings={"fake.at": 1}) as beam:
        with pytest.raises(TrialRefusedError, match=reason):
            await outcomes_of(beam, Trial(id=ONE, parameters={parameter: 1.0}, iterations=1))


@pytest.mark.parametrize(
    ("options", "error", "reason"),
    [
        ({"command": ["java"]}, BeamSetupError, "no place {config}"),
        ({"command": [*COMMAND, "{where}"]}, InvalidCommandError, "no value for {where}"),
        ({"command": []}, InvalidCommandError, "should name a program"),
        ({"cleanup": ["rm", "{x}"]}, InvalidCommandError, "no value for {x}"),
        ({"parameters": ["car"]}, BeamParameterError, "full key"),
        ({"settings": {"beam.x": float("nan")}}, BeamSetupError, "no finite number"),
        ({"slots": 0}, BeamSetupError, "slots = 0 should be above 0"),
        ({"poll": 0.0}, BeamSetupError, "poll = 0.0 should be above 0"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(
    tmp_path: Path, options: dict[str, Any], error: type[Exception], reason: str
) -> None:
    with pytest.raises(error, match=reason):
        Beam(**beam_options(tmp_path) | options)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"command": ["no-such-java", "{config}"]}, "there is no program no-such-java"),
        ({"scenario": "gone.conf"}, "gone.conf cannot be read .No such file"),
        ({"directory": "gone"}, "directory gone is not there"),
        ({"outputs": "/proc/outputs"}, "/proc/outputs cannot be made"),
        ({"alternatives": "gone.csv"}, "gone.csv: No such file"),
    ],
)
async def test_what_is_not_there_is_said_when_the_actor_starts(
    tmp_path: Path, options: dict[str, Any], reason: str
) -> None:
    async with Runtime() as runtime:
        with pytest.raises(Exception, match=reason):
            await runtime.spawn(Beam, **beam_options(tmp_path) | options)
