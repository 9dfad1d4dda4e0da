"""Ctrl-C and SIGTERM at random moments: documented exit codes, and nothing left over."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from passel.runtime.cli import exits

if TYPE_CHECKING:
    from .conftest import Host
else:
    Host = Any

pytestmark = pytest.mark.process

MOMENTS = 20
"""A run takes over a second of a core, most of it for imports."""

_CODES = {signal.SIGINT: exits.INTERRUPTED, signal.SIGTERM: exits.TERMINATED}


def _pause(process: subprocess.Popen[str], seconds: float) -> bool:
    """Wait for a while; return whether the process still runs."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return True
    return False


def _listens(process: subprocess.Popen[str]) -> bool:
    """Whether the command has set its handlers: Python itself catches no SIGTERM."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)


def _start(host: Host) -> subprocess.Popen[str]:
    """Start a run; return as soon as it listens. Before, a signal meets a bare interpreter."""
    process = host.start("run", "calls.yaml")
    while not _listens(process) and _pause(process, 0.001):
        pass
    return process


def _ends(host: Host, number: signal.Signals, delay: float) -> int:
    """Run a topology, send it a signal after a while, and return its exit code."""
    process = _start(host)
    if _pause(process, delay):
        process.send_signal(number)
    _, stderr = process.communicate(timeout=20)
    assert process.returncode in (exits.OK, _CODES[number]), stderr
    assert "Traceback" not in stderr
    return process.returncode


@pytest.mark.timeout(150)
def test_ctrl_c_at_any_moment_of_start_run_and_stop(host: Host) -> None:
    """Two at a time, which also shows that runtimes do not disturb each other."""
    first = _start(host)
    began = time.monotonic()
    assert first.wait(20) == exits.OK
    span = time.monotonic() - began
    dice = random.Random(20)
    delays = [dice.uniform(0.0, 1.2 * span) for _ in range(MOMENTS)]
    codes: list[int] = []
    with ThreadPoolExecutor(2) as pool:
        for pair in zip(delays[::2], delays[1::2], strict=True):
            codes += pool.map(lambda delay: _ends(host, signal.SIGINT, delay), pair)
            assert host.left_over() == []
    assert codes.count(exits.INTERRUPTED) >= MOMENTS // 3


def test_sigterm_ends_in_order_too(host: Host) -> None:
    dice = random.Random(21)
    for _ in range(5):
        _ends(host, signal.SIGTERM, dice.uniform(0.0, 0.6))
        assert host.left_over() == []


def test_a_second_ctrl_c_kills(host: Host) -> None:
    process = host.serve("stubborn.yaml")
    process.send_signal(signal.SIGINT)
    assert process.stdout is not None
    assert any("stopping" in line for line in process.stdout)
    process.send_signal(signal.SIGINT)
    assert process.wait(5) == exits.KILLED
    assert not [line for line in host.left_over() if "python" in line]


def test_an_actor_that_will_not_stop_is_left_behind_after_its_grace(host: Host) -> None:
    """Each of two actors has a moment; the runtime then ends all the same."""
    process = host.serve("stubborn.yaml", "--grace", "0.3")
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == exits.INTERRUPTED
    assert host.left_over() == []
