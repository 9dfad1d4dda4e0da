"""`passel simulate` as its users meet it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from passel.runtime.cli.simulate import cores

ROOT = Path(__file__).parents[3]
FILE = "tests/runtime/simulation/mixed.yaml"

pytestmark = pytest.mark.process


def simulate(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "passel", "simulate", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
        cwd=ROOT,
    )


def test_seeds_run_side_by_side_and_are_counted() -> None:
    done = simulate(FILE, "--seeds", "6", "--jobs", "2")

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("6 seeds, 0 violations: ")


def test_a_seed_is_the_same_run_again() -> None:
    runs = [json.loads(simulate(FILE, "--seed", "4", "--json").stdout.split("\n")[0]) for _ in "ab"]

    assert runs[0] == runs[1]
    assert runs[0]["violation"] is None


def test_a_violation_is_shown_with_its_seed_and_what_led_to_it(tmp_path: Path) -> None:
    file = tmp_path / "broken.yaml"
    text = (ROOT / FILE).read_text().replace("mixed:Kept", "broken:Never")
    file.write_text(text.replace("times: 5", "times: 1"))
    done = simulate(str(file), "--seed", "3", "--faults", "lag,loss")

    assert done.returncode == 1
    assert "VIOLATION invariants hold: never" in done.stdout
    assert f"again: passel simulate {file} --faults lag,loss --seed 3" in done.stdout


def test_what_cannot_be_simulated_is_said_at_once() -> None:
    done = simulate(FILE, "--faults", "flood")

    assert done.returncode == 2
    assert '"flood" is no kind of fault' in done.stderr


def test_ctrl_c_says_what_was_done() -> None:
    running = subprocess.Popen(
        [sys.executable, "-m", "passel", "simulate", FILE, "--seeds", "100000", "--json"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert running.stdout is not None
    with running.stdout as output:
        first = json.loads(output.readline())
        running.send_signal(signal.SIGINT)
        last = output.read().splitlines()[-1]

    assert running.wait(timeout=20) == 130
    assert first["violation"] is None
    assert json.loads(last)["runs"] >= 1


def test_jobs_are_as_many_as_cores_also_where_the_system_does_not_say_which_are_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert cores() >= 1
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)  # as on macOS
    assert cores() == os.cpu_count()


@pytest.mark.parametrize(
    ("topology", "said"),
    [
        (
            "main: {actor: one, ask: add, args: {n: 1}}\nnodes: {side: {}}\n",
            "main had ended before",
        ),
        ("main: {actor: one, ask: add, args: {n: 1}}\n", "give the topology a node"),
    ],
)
def test_runs_without_a_fault_are_said_to_be_that(tmp_path: Path, topology: str, said: str) -> None:
    file = tmp_path / "short.yaml"
    place = ", node: side" if "side" in topology else ""
    actor = f'{{class: "tests.runtime.crew:Counter"{place}}}'
    file.write_text(f"name: short\nactors: {{one: {actor}}}\n{topology}")

    hint = "nothing went wrong in any run: "
    assert f"{hint}a fault" in (text := simulate(str(file), "--seeds", "2").stdout)
    assert said in text
    assert hint not in simulate(str(file), "--seeds", "2", "--faults", "none").stdout
