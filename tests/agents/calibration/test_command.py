from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import yaml
from typer.testing import CliRunner

from passel.agents.calibrate_command import app
from passel.agents.calibration import CalibrationError, CalibrationSettings, JobError
from passel.agents.calibration.job import Job, parameters_in, read_job, target_in, topology_of
from passel.runtime.topology import check, read_topology
from tests.agents.calibration.crew import parabola
from tests.source import ROOT

if TYPE_CHECKING:
    from pathlib import Path

PASSEL = """
from passel.agents.calibrate_command import app as calibrate
from passel.runtime.cli.app import app
app.add_typer(calibrate, name="calibrate")
app()
"""
PARABOLA = f"{parabola.__module__}:parabola"
WALK = f"{parabola.__module__}:walk"


def test_parameters_and_targets_are_read_from_few_words() -> None:
    assert parameters_in(["x=0:10", "y=-1:1:0.5", "bus=-9:9@bus"]) == {
        "x": {"low": 0.0, "high": 10.0},
        "y": {"low": -1.0, "high": 1.0, "start": 0.5},
        "bus": {"low": -9.0, "high": 9.0, "constant_of": "bus"},
    }
    assert target_in(["wait=3.5"]) == {"wait": 3.5}
    for odd in ("x", "x=1", "x=a:b", "=1:2"):
        with pytest.raises(JobError):
            parameters_in([odd])
    with pytest.raises(JobError, match="no number"):
        target_in(["wait"])


@pytest.mark.parametrize(
    ("odd", "reason"),
    [
        ({"function": "", "command": ()}, "a function or a command"),
        ({"target": {}}, "one target"),
        ({"workers": 0}, "worker"),
        ({"parameters": {"x": {"low": 1, "high": 1}}}, "bounds of x"),
        ({"parameters": {"x": {"low": 0}, "y": {"low": "b"}}}, "parameters: "),
        ({"parameters": {"x": {"low": 0, "hihg": 1}}}, "parameters: .*unknown field `hihg`"),
        ({"parameters": {"x": {"low": 0, "high": 1, "start": 2}}}, "start of x is 2, outside"),
        ({"parameters": {"x": {"constant_of": "z"}}}, "has z, which the target does not; .* y"),
        ({"shares": True, "target": {"y": 80.0, "z": 20.0}}, "add up to 100; give them in parts"),
        ({"settings": CalibrationSettings(failures=0)}, "failures"),
    ],
)
def test_what_cannot_be_run_is_said(odd: dict[str, object], reason: str) -> None:
    whole = {
        "function": "m:f",
        "parameters": {"x": {"low": 0, "high": 1}},
        "target": {"y": 1.0},
    }
    with pytest.raises(CalibrationError, match=reason):
        topology_of(Job(**{**whole, **odd}))  # type: ignore[arg-type]  # what is odd may be anything


def test_a_file_says_the_same_and_becomes_a_topology_that_has_no_fault(tmp_path: Path) -> None:
    file, saved = tmp_path / "job.yaml", tmp_path / "topology.yaml"
    file.write_text(
        f"function: {PARABOLA}\nparameters: {{x: {{low: 0, high: 4}}, y: {{low: 0, high: 4}}}}\n"
        f"target: {{value: 7}}\nworkers: 3\nproposer: {WALK}\nkeep: true\n"
        "settings: {budget: {trials: 50}, goal: 0.5}\n"
    )
    done = CliRunner().invoke(app, ["file", str(file), "--save", str(saved)])

    assert done.exit_code == 0, done.output
    topology = yaml.safe_load(saved.read_text())
    assert topology == topology_of(read_job(file))
    assert check(read_topology(saved)) == []
    file.write_text(file.read_text().replace("keep: true\n", ""))
    with_state = ["--state", str(tmp_path / "state"), "--save", str(saved)]
    assert CliRunner().invoke(app, ["file", str(file), *with_state]).exit_code == 0
    assert "journal" in yaml.safe_load(saved.read_text())["actors"]
    file.write_text("functions: a\n")
    done = CliRunner().invoke(app, ["file", str(file)])
    assert done.exit_code == 2
    assert "functions" in done.output


def test_files_that_cannot_be_read_or_written_are_said_in_a_sentence(tmp_path: Path) -> None:
    gone, command = str(tmp_path / "gone" / "file"), CliRunner()
    saved = command.invoke(app, ["run", PARABOLA, "-p", "x=0:4", "-t", "value=7", "--save", gone])
    read = command.invoke(app, ["report", gone])

    assert (saved.exit_code, read.exit_code) == (2, 2)
    assert f"{gone} cannot be written: No such file or directory; name another" in saved.output
    assert "cannot be read: No such file or directory; give what `log` was" in read.output


def test_nothing_in_a_command_or_a_path_is_taken_for_a_parameter(tmp_path: Path) -> None:
    words = ("sh", "-c", "echo ${HOME} $$ $1 {x}", "${gone}", "$")
    job = Job(
        command=words,
        parameters={"x": {"low": 0, "high": 1}},
        target={"$y": 1.0},
        log="/tmp/${USER}$$.jsonl",
    )
    file = tmp_path / "topology.yaml"
    file.write_text(yaml.safe_dump(topology_of(job)))
    actors = read_topology(file).topology.actors
    worker, calibrator = actors["worker"].args, actors["calibrator"].args

    assert worker["command"] == list(words)
    assert calibrator["log"] == job.log
    assert calibrator["target"]["values"] == {"$y": 1.0}


@pytest.mark.process
def test_a_function_is_calibrated_on_two_workers_without_a_topology(tmp_path: Path) -> None:
    log = tmp_path / "runs.jsonl"
    done = subprocess.run(
        [
            sys.executable, "-c", PASSEL, "calibrate", "run", PARABOLA, "-p", "x=0:4:1", "-p", "y=0:4:3",
            "-t", "value=7", "-n", "2", "--goal", "0.5", "--confirmations", "1", "--log", str(log),
            "--json",
        ],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=50,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    (report,) = (
        event["event"] for event in events
        if event["kind"] == "event" and isinstance(event["event"], dict) and "answer" in event["event"]
    )  # fmt: skip
    assert report["ended"] == "goal"
    assert report["answer"]["x"] == pytest.approx(2.0, abs=0.71)
    assert log.exists()
