"""What an import costs: nothing heavy, no socket, no event loop, no thread, no file left open."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROBE = """
import sys, os, threading
before = set(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else set()
calls = []
sys.addaudithook(lambda event, args: calls.append(event) if event.startswith(("socket.", "subprocess.")) else None)
import importlib
importlib.import_module(sys.argv[1])
heavy = {"torch", "numpy", "networkx", "rich", "typer", "yaml", "transformers", "jinja2", "httpx2"} & set(sys.modules)
assert not heavy, f"heavy modules: {sorted(heavy)}"
assert not calls, f"calls: {calls}"
after = set(os.listdir("/proc/self/fd")) if before else set()
assert after == before, f"left open: {after - before}"
assert threading.active_count() == 1
if "asyncio" in sys.modules:
    policy = sys.modules["asyncio.events"]._event_loop_policy
    assert policy is None or getattr(policy._local, "_loop", None) is None, "an event loop was made"
if "zmq" in sys.modules:
    assert sys.modules["zmq"].Context._instance is None, "a ZeroMQ context was made"
"""


@pytest.mark.parametrize(
    "module",
    [
        "passel",
        "passel.__main__",
        "passel.actors",
        "passel.actors.tools",
        "passel.actors.chat",
        "passel.agents.hogwild",
        "passel.protocols.cache",
        "passel.protocols.codec",
        "passel.runtime",
        "passel.runtime.node_main",
    ],
)
def test_an_import_is_light_and_touches_nothing(module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROBE, module],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == 0, done.stderr
