"""What every test gets: `async def` tests, and a check that nothing is left behind."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import inspect
import os
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

ROOT = Path(__file__).parent.parent

if str(ROOT) not in sys.path:
    sys.path.append(str(ROOT))  # child nodes get this path too: they import `tests.runtime.crew`

if "PYTEST_XDIST_WORKER" in os.environ:  # the other cores are other workers': torch takes one
    os.environ.setdefault("OMP_NUM_THREADS", "1")

_PATIENCE = 2.0
"""Seconds that threads and processes which were told to end may take to be gone."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let one worker do all that needs real weights: it loads them once, and has room for them."""
    for item in items:
        if item.get_closest_marker("model"):
            item.add_marker(pytest.mark.xdist_group("model"))


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run `async def` tests, each on an event loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    wanted = inspect.signature(pyfuncitem.obj).parameters
    arguments = {name: pyfuncitem.funcargs[name] for name in wanted}
    world = pyfuncitem.funcargs.get("world")
    factory = getattr(pyfuncitem.obj, "loop_factory", None) or getattr(world, "loop_factory", None)
    unhandled: list[dict[str, Any]] = []
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.get_loop().set_exception_handler(lambda _, found: unhandled.append(found))
        runner.run(_without_tasks_left(pyfuncitem.obj, arguments))
    assert not unhandled, f"errors in callbacks of the event loop: {unhandled}"
    return True


async def _without_tasks_left(
    test: Callable[..., Coroutine[Any, Any, None]], arguments: dict[str, Any]
) -> None:
    await test(**arguments)
    left = asyncio.all_tasks() - {asyncio.current_task()}
    assert not left, f"tasks left behind: {left}"


@pytest.fixture(scope="session", autouse=True)
def pyzmq_collector() -> None:
    """Start the thread and sockets that pyzmq keeps once it has sent without a copy."""
    import zmq

    with zmq.Context() as context, context.socket(zmq.PAIR) as one, context.socket(zmq.PAIR) as two:
        one.bind("inproc://collector")
        two.connect("inproc://collector")
        one.send(bytes(1 << 20), copy=False)
        two.recv(copy=False)


@pytest.fixture(scope="session", autouse=True)
def libuv_signals() -> None:
    """Open the pipe that libuv keeps once a process has had one of its loops."""
    with contextlib.suppress(ImportError):
        import uvloop

        uvloop.new_event_loop().close()


@pytest.fixture(autouse=True)
def nothing_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves a thread, a child process, shared memory, or a file, socket or pipe open."""
    if request.node.get_closest_marker("model") or request.node.get_closest_marker("gpu"):
        yield  # real weights stay mapped for the session, and so does a CUDA context
        return
    before = _owned()
    yield
    until = time.monotonic() + _PATIENCE
    while True:
        left = sorted(_owned() - before)
        if not left:
            return
        if time.monotonic() > until:
            pytest.fail(f"left behind: {left}")
        gc.collect()
        time.sleep(0.01)


def _owned() -> set[str]:
    return _threads() | _children() | _files() | _segments()


def _segments() -> set[str]:
    """Return the shared memory of runtimes that this process leads, or led."""
    found = Path("/dev/shm").glob(f"*passel-{os.getuid()}-*-{os.getpid()}-*")
    return {f"shared memory {path}" for path in found}


def _threads() -> set[str]:
    return {f"thread {t.name}/{t.ident}" for t in threading.enumerate()}


def _children() -> set[str]:
    found: set[str] = set()
    for task in Path("/proc/self/task").glob("*"):
        try:
            found.update(f"process {pid}" for pid in (task / "children").read_text().split())
        except OSError:  # the thread, or this kernel's list of children, is not there
            continue
    return found


def _files() -> set[str]:
    """Return what is open and owned by the process: sockets, pipes, event descriptors, files."""
    found: set[str] = set()
    for entry in Path("/proc/self/fd").glob("*"):
        try:
            target = os.readlink(entry)
        except OSError:
            continue
        if not target.startswith(("/dev/", sys.prefix)):
            found.add(f"file {entry.name} {target}")
    return found
