"""Python code that a model has written, as a tool."""

from __future__ import annotations

import asyncio
import math
import os
import sys
import tempfile
from pathlib import Path
from typing import Final

import msgspec

from ....protocols.tools import ToolPolicy
from ...processes import Finished, run_command
from ..errors import ToolDefinitionError
from ..function_tools import FunctionTool
from ..processes.command_tools import output_of
from ..toolbox import Toolbox
from . import enclosure

MAX_OUTPUT: Final = 200_000
"""Most bytes that code may print."""

_NAMESPACES: Final = (
    "unshare", "--user", "--map-root-user", "--net", "--ipc", "--uts", "--pid", "--mount", "--fork",
    "--kill-child",
)  # fmt: skip
_SYSTEM: Final = ("/usr", "/bin", "/lib", "/lib32", "/lib64")
_ENVIRONMENT: Final = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LANG": "C.UTF-8"}
_PROBE: Final = "print(6 * 7)"
_PROBE_SECONDS: Final = 20.0
_PROCESSES: Final = 64
"""Most processes and threads of isolated code; Linux does not hold the root of the machine to it."""


class PythonSandbox(Toolbox):
    """Offers `python`: code of the model's is run, and what it prints is the result.

    Off until it is switched on by `enabled`. The code runs in a process of its own for each call,
    with the standard library and nothing else, within limits of time, memory and output.

    It is isolated by namespaces: without network, with its own process ids, as a user without any
    capability, in a file system that has the interpreter and the system's libraries, read-only, and an
    empty folder. That is tried when the actor starts; where the system does not allow it, the actor
    refuses to start, unless `without_isolation` says that code may do here whatever this user may.
    The kernel is shared: isolation is as good as that is.

    Args:
        enabled: Whether code may be run at all.
        without_isolation: Run code also where it cannot be isolated, and without trying.
        timeout: Seconds that one call may take.
        memory_bytes: Most address space of each of its processes.
        work_bytes: Most bytes in its folder; without isolation, of each file.
        concurrency: Calls that may be under way at once.
    """

    def __init__(
        self,
        *,
        enabled: bool = False,
        without_isolation: bool = False,
        timeout: float = 10.0,
        memory_bytes: int = 512 * 1024 * 1024,
        work_bytes: int = 16 * 1024 * 1024,
        concurrency: int = 2,
    ) -> None:
        if not enabled:
            reason = (
                "code of a model's would be run on this machine; say `enabled: true` to allow it"
            )
            raise ToolDefinitionError("python", reason=reason)
        self._isolated = not without_isolation
        self._work_bytes = work_bytes
        self._limits = {
            "as": memory_bytes,
            "core": 0,
            "cpu": math.ceil(timeout) + 1,
            "fsize": work_bytes,
            "nofile": 64,
        }
        self._python = os.path.realpath(sys.executable)
        policy = ToolPolicy(concurrency=concurrency, timeout=timeout, idempotent=self._isolated)
        where = (
            "isolated: no network, no files" if self._isolated else "NOT isolated from this machine"
        )
        description = (
            "Run Python code and return what it prints; print what you want to know.\n\n"
            f"Standard library only, {timeout:g} s at most, {where}. Nothing is kept between calls."
        )
        tool = FunctionTool(self._run, name="python", description=description, policy=policy)
        super().__init__([tool])

    async def started(self) -> None:
        """Try whether code can be isolated here.

        Raises:
            ToolDefinitionError: It cannot, and it was not said that it need not be.
        """
        if not self._isolated:
            self.context.log.warning("code of models is run without isolation")
            return
        try:
            async with asyncio.timeout(_PROBE_SECONDS):
                finished = await self._enclosed(_PROBE)
        except TimeoutError:
            said = f"the trial did not end within {_PROBE_SECONDS:g} s"
        except OSError as error:
            said = str(error)
        else:
            if finished.output == b"42\n":
                return
            said = finished.ended.error or finished.stderr.decode(errors="replace").strip()
        reason = (
            f"code cannot be isolated on this system: {said.splitlines()[-1] if said else 'no reason'}; "
            "`without_isolation: true` runs it with all that this user may do"
        )
        raise ToolDefinitionError("python", reason=reason)

    async def _run(self, code: str) -> str:
        """Run code.

        Args:
            code: A Python program.
        """
        if self._isolated:
            return output_of("python", await self._enclosed(code), MAX_OUTPUT)
        with tempfile.TemporaryDirectory(prefix="passel-python-") as folder:
            finished = await run_command(
                [self._python, "-I", "-S", "-"],
                stdin=code.encode(),
                environment=_ENVIRONMENT,
                directory=folder,
                limits=self._limits,
                max_output=MAX_OUTPUT,
            )
        return output_of("python", finished, MAX_OUTPUT)

    async def _enclosed(self, code: str) -> Finished:
        settings = {
            "visible": _visible(),
            "work_bytes": self._work_bytes,
            "limits": {**self._limits, "nproc": _PROCESSES},
        }
        python = [self._python, "-I", "-S"]
        inside = [str(Path(enclosure.__file__)), msgspec.json.encode(settings).decode()]
        return await run_command(
            [*_NAMESPACES, *python, *inside, *python, "-"],
            stdin=code.encode(),
            environment=_ENVIRONMENT,
            max_output=MAX_OUTPUT,
        )


def _visible() -> list[str]:
    """Return the folders that the interpreter needs, none inside another one."""
    found: list[str] = []
    for folder in (*_SYSTEM, os.path.realpath(sys.base_prefix)):
        if Path(folder).exists() and not any(folder.startswith(f"{other}/") for other in found):
            found.append(folder)
    return list(dict.fromkeys(found))
