"""Code of a model's, and what it cannot do."""

from __future__ import annotations

import subprocess
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from passel.actors.tools import CommandFailedError, ToolDefinitionError, ToolTimeoutError
from passel.actors.tools.sandbox import PythonSandbox
from passel.actors.tools.sandbox.python_sandbox import _NAMESPACES
from passel.protocols.errors import SpawnError
from passel.protocols.tools import ToolCall
from tests.runtime.worlds import open_runtime

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from passel import ActorRef

pytestmark = pytest.mark.process


def isolates() -> bool:
    """Whether this system lets its users make namespaces."""
    try:
        done = subprocess.run([*_NAMESPACES, "true"], capture_output=True, check=False)
    except FileNotFoundError:
        return False
    return done.returncode == 0


needs_namespaces = pytest.mark.skipif(not isolates(), reason="needs namespaces for users")

TRIALS = """
import ctypes, os, socket

def tried(what, *arguments):
    try:
        print(what.__name__, what(*arguments))
    except OSError as error:
        print(what.__name__, error.strerror)

libc = ctypes.CDLL(None, use_errno=True)

def remounted():
    done = libc.mount(b"none", b"/usr", None, 32 | 4096, None)
    return os.strerror(ctypes.get_errno()) if done else "done"

def another_namespace():
    return os.strerror(ctypes.get_errno()) if libc.unshare(0x10000000) else "done"

print(sorted(os.listdir(".")), os.getpid())
tried(open, "SECRET")
tried(open, "/etc/passwd")
tried(open, "/usr/x", "w")
tried(open, "/proc/sys/kernel/core_pattern", "w")
tried(open, "/proc/self/oom_score_adj", "w")
tried(os.mkdir, "/x")
tried(socket.create_connection, ("127.0.0.1", 22), 1)
tried(os.kill, 4194303, 9)
tried(remounted)
tried(another_namespace)
open("mine", "w").write("x")
tried(open("big", "wb", buffering=0).write, bytes(3_000_000))
"""


@asynccontextmanager
async def running(**options: Any) -> AsyncIterator[ActorRef[PythonSandbox]]:
    async with open_runtime() as rt:
        yield await rt.spawn(PythonSandbox, enabled=True, **options)


def code(text: str) -> ToolCall:
    return ToolCall(tool="python", arguments=(text,))


def test_it_is_off_until_it_is_switched_on() -> None:
    with pytest.raises(ToolDefinitionError, match="say `enabled: true` to allow it"):
        PythonSandbox()


@needs_namespaces
async def test_isolated_code_has_nothing_but_its_folder(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x")
    async with running(work_bytes=1_000_000) as sandbox:
        (spec,) = await sandbox.tools()
        assert "isolated: no network, no files" in spec.description
        said = await sandbox.call(code(TRIALS.replace("SECRET", str(secret))))
        assert said.splitlines() == [
            "[] 1",
            "open No such file or directory",
            "open No such file or directory",
            "open Read-only file system",
            "open Read-only file system",
            "open Read-only file system",
            "mkdir Read-only file system",
            "create_connection Network is unreachable",
            "kill No such process",
            "remounted Operation not permitted",
            "another_namespace No space left on device",
            "write 999424",
        ]
        again = "import os, resource as r; print(os.listdir('.'), r.getrlimit(r.RLIMIT_NPROC))"
        assert await sandbox.call(code(again)) == "[] (64, 64)\n"


@needs_namespaces
async def test_isolated_code_ends_with_its_call() -> None:
    async with running() as sandbox:
        with pytest.raises(
            CommandFailedError, match="ZeroDivisionError: division by zero"
        ) as caught:
            await sandbox.call(code("1 / 0"))
        assert caught.value.exit_code == 1
        with pytest.raises(CommandFailedError, match="MemoryError"):
            await sandbox.call(code("x = bytearray(1 << 30)"))
        with pytest.raises(CommandFailedError, match="wrote more than 200000 bytes"):
            await sandbox.call(code("while True: print('x' * 1000)"))
    async with running(timeout=0.2) as sandbox:
        with pytest.raises(ToolTimeoutError):
            await sandbox.call(code("while 1: 0"))


async def test_where_code_cannot_be_isolated_it_is_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "passel.actors.tools.sandbox.python_sandbox._NAMESPACES",
        ("sh", "-c", "echo unshare failed: Operation not permitted >&2; exit 1"),
    )
    async with open_runtime() as rt:
        with pytest.raises(SpawnError, match=r"cannot be isolated on this system: .*not permitted"):
            await rt.spawn(PythonSandbox, enabled=True)


async def test_code_that_is_not_isolated_says_so() -> None:
    async with running(without_isolation=True) as sandbox:
        (spec,) = await sandbox.tools()
        assert "NOT isolated from this machine" in spec.description
        assert (
            await sandbox.call(code("import os; print('Action:', os.listdir())")) == "Action: []\n"
        )
