"""A short run of `benchmarks/soak.py`: it works; what grows shows in the long one."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.process


def test_a_short_soak_ends_and_a_node_at_rest_is_at_rest() -> None:
    words = ["--messages", "20000", "--spawns", "400", "--restarts", "1", "--idle-seconds", "1"]
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "soak.py"), *words, "--json"],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["restarts"] == 1
    assert found["idle_cpu_percent"] <= 5.0, "of a core; the clock has ticks of a hundredth second"
