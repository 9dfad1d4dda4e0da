"""One short run of `benchmarks/chaos.py`; a hundred long ones are a command of their own."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.process

SEED = "6"
"""Its faults are pauses and kills, the leader's too: no verdict on a silent node is waited for."""


def test_a_run_under_faults_ends_and_leaves_nothing_behind() -> None:
    words = ["--runs", "1", "--first", SEED, "--messages", "1500", "--json"]
    script = ROOT / "benchmarks" / "chaos.py"
    done = subprocess.run(
        [sys.executable, str(script), *words],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["violations"] == 0
    assert found["faults"] >= 4
