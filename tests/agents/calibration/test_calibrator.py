from __future__ import annotations

import asyncio
from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from passel.agents.calibration import (
    Budget,
    CalibrationReport,
    CalibrationSettings,
    Calibrator,
    LogError,
    MethodOptionsError,
    NoSimulatorsError,
    NothingFoundError,
    SimulatorsDifferError,
    Target,
    UnderWayError,
    UnknownMethodError,
    UnknownNameError,
)
from passel.agents.calibration.log import read_log
from passel.agents.calibration.narrating import Table
from passel.agents.stream import closing
from passel.protocols.trial import Availability, SimulatorSpec, Trial, TrialId
from passel.runtime.cli.transcript import Answered, answer_text, interpret
from tests.agents.calibration.crew import ITERATIONS, Slope, cars
from tests.runtime.worlds import open_runtime

if TYPE_CHECKING:
    from pathlib import Path

    from passel import ActorRef, Runtime

TARGET = Target(values={"car": 0.8, "bus": 0.2})
WALK = f"{Slope.__module__}:walk"
FOR_A_GOAL = CalibrationSettings(budget=Budget(trials=100), goal=2.0, confirmations=2)


class Restricted(Slope):
    """Half of the people have no car."""

    def spec(self) -> SimulatorSpec:
        return SimulatorSpec(
            name="restricted",
            parameters=("car_intercept", "bus_intercept"),
            outcomes=("car", "bus"),
            iterations=ITERATIONS,
            availability=(
                Availability(alternatives=("car", "bus"), weight=1.0),
                Availability(alternatives=("bus",), weight=1.0),
            ),
        )


async def fleet(runtime: Runtime, count: int, **style: Any) -> list[ActorRef[Slope]]:
    return [
        await runtime.options(name=f"sim-{number}").spawn(Slope, **style) for number in range(count)
    ]


async def calibrator(
    runtime: Runtime, simulators: list[Any], **options: Any
) -> ActorRef[Calibrator]:
    whole: dict[str, Any] = {"proposer": WALK, "stopper": "incumbent", "settings": FOR_A_GOAL}
    return await runtime.spawn(Calibrator, simulators=simulators, target=TARGET, **whole | options)


async def test_it_finds_the_constants_and_claims_only_what_fresh_seeds_confirm() -> None:
    async with open_runtime() as runtime:
        ref = await calibrator(runtime, await fleet(runtime, 3))
        report = await ref.calibrate()
        progress = await ref.progress()

    assert report.ended == "goal"
    assert report.confirmed == 2
    assert report.loss is not None
    assert report.loss <= 2.0
    assert report.answer is not None
    assert set(report.answer) == {"bus_intercept"}, "the greatest target is the reference"
    assert report.answer["bus_intercept"] == pytest.approx(-1.386, abs=0.2)
    assert report.outcome is not None
    assert report.outcome["car"] == pytest.approx(0.8, abs=0.02)
    assert progress is not None
    assert progress.ended == "goal"
    assert progress.iterations == report.iterations


async def test_trials_that_fail_are_retried_recorded_and_do_not_end_it(tmp_path: Path) -> None:
    log = tmp_path / "runs.jsonl"
    async with open_runtime() as runtime:
        ref = await calibrator(
            runtime, await fleet(runtime, 2, fails=5), seed=3, log=str(log),
            settings=CalibrationSettings(budget=Budget(trials=30), confirmations=0),
        )  # fmt: skip
        report = await ref.calibrate()

    records = {record.id: record for record in read_log(log).ledger.records}
    failed = [record for record in records.values() if record.state == "failed"]
    assert report.trials == len(records) == 30
    assert report.failed == len(failed) > 0
    assert all("one too many" in record.detail for record in failed)
    assert all(record.attempt == 2 for record in failed)
    assert all(record.seed % 5 == 0 for record in failed)


async def test_the_log_holds_everything_and_teaches_a_later_calibration(tmp_path: Path) -> None:
    log = tmp_path / "runs.jsonl"
    async with open_runtime() as runtime:
        simulators = await fleet(runtime, 2)
        first = await calibrator(runtime, simulators, log=str(log))
        report = await first.calibrate()
        later = await calibrator(runtime, simulators, warm_start=[str(log)])
        again = await later.calibrate()

    logged = read_log(log)
    assert logged.report == report
    assert len(logged.ledger.records) == report.trials
    assert logged.head.fixed == {"car_intercept": 0.0}
    assert again.trials < report.trials
    log.write_bytes(log.read_bytes()[:-20])
    assert read_log(log).report is None


async def test_two_calibrators_on_one_fleet_do_not_disturb_each_other(tmp_path: Path) -> None:
    """Each result is what its own point and seed give, and each gets its turn at every simulator."""
    settings = CalibrationSettings(budget=Budget(trials=24), confirmations=0)
    logs = [tmp_path / "one.jsonl", tmp_path / "two.jsonl"]
    async with open_runtime() as runtime:
        simulators = await fleet(runtime, 2, seconds=0.001)
        refs = [
            await calibrator(
                runtime, simulators, seed=seed, settings=settings, log=str(log), stopper="none"
            )
            for seed, log in enumerate(logs)
        ]
        async with asyncio.TaskGroup() as group:
            together = [group.create_task(ref.calibrate()) for ref in refs]

    reports = [task.result() for task in together]
    assert len({report.calibration for report in reports}) == 2
    for report, log in zip(reports, logs, strict=True):
        assert (report.trials, report.iterations) == (24, 24 * ITERATIONS)
        assert (report.failed, report.strays, report.ended) == (0, 0, "trials")
        records = read_log(log).ledger.records
        assert len({record.simulator for record in records}) == 2
        for record in records:
            expected = list(islice(cars(-record.point["bus_intercept"], record.seed), ITERATIONS))
            assert [outcome["car"] for outcome in record.outcomes] == expected


async def test_a_trial_that_waits_for_those_of_others_is_not_silent() -> None:
    settings = CalibrationSettings(budget=Budget(trials=2), silence=0.3, confirmations=0)
    other = Trial(
        id=TrialId("other"),
        parameters={"car_intercept": 0.0, "bus_intercept": 0.0},
        iterations=1,
        waits=True,
    )
    async with open_runtime() as runtime:
        (simulator,) = await fleet(runtime, 1)
        ref = await calibrator(runtime, [simulator], settings=settings, stopper="none")
        async with closing(simulator.start(other)) as events, asyncio.TaskGroup() as group:
            await anext(events)
            calibrating = group.create_task(ref.calibrate())
            while (progress := await ref.progress()) is None or progress.seconds < 0.7:  # noqa: ASYNC110  # of its clock
                await asyncio.sleep(0.02)
            await simulator.stop(other.id)

    report = calibrating.result()
    assert (report.failed, report.trials, report.ended) == (0, 2, "trials")
    assert report.worker_use < 0.5


async def test_no_two_calibrations_share_a_name_not_even_those_of_different_runtimes() -> None:
    settings = CalibrationSettings(budget=Budget(trials=1), confirmations=0)
    names = set()
    for _ in range(3):
        async with open_runtime() as runtime:
            ref = await calibrator(runtime, await fleet(runtime, 1), settings=settings)
            names.add((await ref.calibrate()).calibration)

    assert len(names) == 3


async def test_it_warns_of_a_goal_below_the_reachable_floor_before_it_begins() -> None:
    async with open_runtime() as runtime:
        simulator = await runtime.spawn(Restricted)
        ref = await calibrator(
            runtime, [simulator],
            settings=CalibrationSettings(budget=Budget(trials=4), goal=10.0, confirmations=1),
        )  # fmt: skip
        shown = [item async for item in ref.calibrate_shown()]

    lines = [item for item in shown if isinstance(item, str)]
    assert lines[1] == "reachable floor: loss 60.00"
    assert "50.0 % of the travellers" in lines[2]
    assert lines[3].startswith("warning: the goal, 10.00, lies below the floor")
    report = shown[-1]
    assert isinstance(report, CalibrationReport)
    assert report.floor == pytest.approx(60.0)


async def test_whoever_watches_sees_trials_the_best_and_tables() -> None:
    async with open_runtime() as runtime:
        ref = await calibrator(runtime, await fleet(runtime, 2))
        shown = [item async for item in ref.calibrate_shown()]

    lines = [item for item in shown if isinstance(item, str)]
    tables = {item.table: item for item in shown if isinstance(item, Table)}
    assert any("finished after 5 of 5, loss" in line for line in lines)
    assert any("it will not beat the best" in line for line in lines)
    assert any("confirms" in line for line in lines)
    assert any("best loss" in line and "confirmed by 2 runs" in line for line in lines)
    assert set(tables) == {"calibration", "running", "best"}
    assert [row[:2] for row in tables["best"].rows] == [("car", "80.00 %"), ("bus", "20.00 %")]
    report = interpret(shown[-1])
    assert isinstance(report, Answered)
    assert 'held: {"car_intercept": 0.0}' in answer_text(report).splitlines()


async def test_whoever_watches_a_calibration_that_finds_nothing_gets_an_error_behind_its_report() -> (
    None
):
    shown: list[object] = []
    async with open_runtime() as runtime:
        ref = await calibrator(runtime, await fleet(runtime, 1, fails=1))
        with pytest.raises(NothingFoundError, match=r"ended by failures: .*one too many"):
            async for item in ref.calibrate_shown():
                shown.append(item)  # noqa: PERF401  # it ends in an error

    report = shown[-1]
    assert isinstance(report, CalibrationReport)
    assert report.answer is None


async def test_a_watcher_that_leaves_ends_the_calibration() -> None:
    async with open_runtime() as runtime:
        ref = await calibrator(
            runtime, await fleet(runtime, 1, seconds=0.01), settings=CalibrationSettings()
        )
        async for _ in ref.calibrate_shown():
            break
        while True:
            try:
                report = await ref.calibrate.options(timeout=0.05)()
            except UnderWayError:
                continue
            except TimeoutError:
                break
            pytest.fail(f"{report} in no time")


async def test_a_calibrator_that_calibrates_refuses_to_begin_again() -> None:
    async with open_runtime() as runtime:
        ref = await calibrator(runtime, await fleet(runtime, 1))
        both = await asyncio.gather(ref.calibrate(), ref.calibrate(), return_exceptions=True)

    assert {type(answer) for answer in both} == {CalibrationReport, UnderWayError}


async def test_what_cannot_be_calibrated_is_said_at_once() -> None:
    class Other(Slope):
        def spec(self) -> SimulatorSpec:
            return SimulatorSpec(name="other", parameters=("x",))

    class Mute(Slope):
        def spec(self) -> SimulatorSpec:
            raise RuntimeError("no spec today")

    async with open_runtime() as runtime:
        good, other, mute = [await runtime.spawn(kind) for kind in (Slope, Other, Mute)]
        with pytest.raises(SimulatorsDifferError, match="parameters"):
            await (await calibrator(runtime, [good, other])).calibrate()
        with pytest.raises(NoSimulatorsError, match="no spec today"):
            await (await calibrator(runtime, [mute])).calibrate()
        with pytest.raises(LogError, match="cannot be written"):
            await (await calibrator(runtime, [good], log="/dev/null/runs.jsonl")).calibrate()
        with pytest.raises(UnknownMethodError, match="guess"):
            await (await calibrator(runtime, [good], proposer="guess")).calibrate()
        with pytest.raises(
            UnknownNameError, match=r"has buss, .* choose of car_intercept, bus_int"
        ):
            await (await calibrator(runtime, [good], fixed={"buss": 1.0})).calibrate()
        with pytest.raises(Exception, match="shares that add up to 100"):
            percent = Target(values={"car": 80.0, "bus": 20.0})
            await runtime.spawn(Calibrator, simulators=[good], target=percent)
        with pytest.raises(MethodOptionsError, match="options are: width"):
            await (await calibrator(runtime, [good], proposer_options={"widths": 3})).calibrate()


async def test_a_simulator_that_answers_late_and_differs_ends_it() -> None:
    class Late(Slope):
        """Does not answer the first time; then it has another outcome."""

        asked = 0

        def spec(self) -> SimulatorSpec:
            Late.asked += 1
            if Late.asked == 1:
                raise RuntimeError("not there yet")
            return msgspec.structs.replace(super().spec(), outcomes=("car", "tram"))

    async with open_runtime() as runtime:
        simulators = [await runtime.spawn(Slope), await runtime.options(name="late").spawn(Late)]
        ref = await calibrator(runtime, simulators)
        with pytest.raises(SimulatorsDifferError, match="late differ in their outcomes"):
            await ref.calibrate()


async def test_methods_are_made_by_name_with_their_options() -> None:
    async with open_runtime() as runtime:
        simulators = await fleet(runtime, 2)
        proposers: dict[str, Any] = {
            "auto": {},
            "log-odds": {"probe": 2},
            "log-ratio": {"damping": 0.9},
        }
        for proposer, options in proposers.items():
            ref = await calibrator(runtime, simulators, proposer=proposer, proposer_options=options)
            assert (await ref.calibrate()).ended == "goal", proposer
        some = CalibrationSettings(budget=Budget(trials=8), confirmations=0)
        for proposer in ("bohb", "tpe", "cmaes"):
            ref = await calibrator(
                runtime, simulators, proposer=proposer, stopper="never", settings=some
            )
            assert (await ref.calibrate()).trials == 8, proposer
        stoppers: dict[str, Any] = {
            "never": {"replanning": 0.5},
            "threshold": {"steps": [[0.0, 1.0]], "first": 2},
            "none": {},
        }
        for stopper, options in stoppers.items():
            ref = await calibrator(
                runtime, simulators, proposer="random", stopper=stopper,
                stopper_options=options, settings=some,
            )  # fmt: skip
            report = await ref.calibrate()
            assert report.trials == 8
            assert (report.stopped > 0) == (stopper == "threshold")
