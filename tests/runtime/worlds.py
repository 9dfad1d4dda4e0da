"""Where the contract must hold: in one process, and between two over each transport."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from passel import Runtime
from passel.protocols.control import Network
from passel.runtime.machine.launcher import Starter, start_command
from passel.runtime.machine.local import LocalLeaderHost
from passel.runtime.transport.endpoints import TRANSPORTS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from passel.protocols.control import NodeStatistics
    from passel.runtime.node.spawning import Spawn


PATIENCE = 20.0
"""Seconds of silence before a node counts as dead: these tests are not about that, and cores are shared."""


@dataclass(frozen=True)
class Habitat:
    """A running runtime, and the node on which the actors under test live."""

    runtime: Runtime
    node: str

    def there(self, **options: Any) -> Spawn:
        """Return a spawner for the node under test."""
        return self.runtime.options(node=self.node, **options)

    async def statistics(self) -> NodeStatistics:
        """Return the counters of the node under test."""
        name = self.node or "leader"
        found = {entry.node: entry for entry in await self.runtime.statistics()}
        return found[name]


@dataclass(frozen=True)
class World:
    """One way to reach an actor.

    Attributes:
        name: `direct`, `isolated`, a transport (`ipc`, `tcp`, `unix`), `uvloop`: ipc with both
            processes on that loop, or `polled`: unix with loops that stay awake.
        start: What starts the processes of nodes.
    """

    name: str
    start: Starter = start_command

    @property
    def has_processes(self) -> bool:
        """Whether the actors under test live in a child process."""
        return self.name not in {"direct", "isolated"}

    @property
    def loop_factory(self) -> Callable[[], asyncio.AbstractEventLoop] | None:
        """What makes the loop of the test itself, if it is not asyncio's."""
        if self.name != "uvloop":
            return None
        factory: Callable[[], asyncio.AbstractEventLoop] = import_uvloop().new_event_loop
        return factory

    @property
    def encodes(self) -> bool:
        """Whether messages are encoded on their way."""
        return self.name != "direct"

    @asynccontextmanager
    async def open(self, **options: Any) -> AsyncIterator[Habitat]:
        """Start a runtime of this kind; afterwards its run directory must be gone."""
        with private_folder() as base:
            transport = _TRANSPORTS.get(self.name, "ipc")
            network = Network(transport=transport, busy_poll=1e-4 if self.name == "polled" else 0.0)
            runtime = Runtime(
                host=LocalLeaderHost("passel", network=network, base=base, start=self.start),
                isolate=self.name == "isolated",
                transport=transport,
                loop="uvloop" if self.name == "uvloop" else "asyncio",
                **{"node_silence": PATIENCE, **options},
            )
            async with runtime:
                if self.has_processes:
                    await runtime.start_node("side")
                yield Habitat(runtime, "side" if self.has_processes else "")
            assert not list(base.iterdir()), "a run directory was left behind"


class private_folder:  # noqa: N801  # reads as the function it stands for
    """A folder with a short path (a socket's path has 107 bytes), gone afterwards."""

    def __enter__(self) -> Path:
        self.path = Path(tempfile.mkdtemp(prefix="psl-"))
        return self.path

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.path, ignore_errors=True)


@asynccontextmanager
async def open_runtime(**options: Any) -> AsyncIterator[Runtime]:
    """Start a runtime in a private run directory that must be empty afterwards."""
    with private_folder() as base:
        async with Runtime(run_directory=base, **options) as runtime:
            yield runtime
        assert not list(base.iterdir()), "a run directory was left behind"


def import_uvloop() -> Any:
    """Return the module, or skip the test."""
    return pytest.importorskip("uvloop", reason="needs uvloop: pip install 'passel[fast]'")


async def until(condition: Callable[[], bool]) -> None:
    """Return once `condition` holds: for what is counted, and has no event to await."""
    async with asyncio.timeout(20.0):
        while not condition():  # noqa: ASYNC110  # there is no event
            await asyncio.sleep(0)


_TRANSPORTS = {**{name: name for name in TRANSPORTS}, "polled": "unix"}
WORLDS = {name: World(name) for name in ("direct", "isolated", *TRANSPORTS, "uvloop", "polled")}
