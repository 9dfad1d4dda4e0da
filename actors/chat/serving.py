"""How a server is started, and what one that was started consists of."""

from __future__ import annotations

import os
import secrets
import socket
from typing import TYPE_CHECKING, Final

import msgspec

from .address import EndpointAddress
from .api_key import ApiKey
from .server_life import State  # noqa: TC001  # msgspec reads it
from .server_process import ServerProcess

if TYPE_CHECKING:
    from collections.abc import Callable

    from .endpoint import Endpoint

HOST: Final = "127.0.0.1"

PASSED_ON: Final = (
    "CUDA_HOME", "CUDA_VISIBLE_DEVICES", "HF_HOME", "HF_HUB_OFFLINE", "HOME", "LANG", "LC_ALL",
    "LD_LIBRARY_PATH", "NVIDIA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "PATH", "TMPDIR", "USER",
    "XDG_CACHE_HOME",
)  # fmt: skip
"""Environment variables that every server sees."""


class ServerStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How a server is.

    Attributes:
        state: `starting`, `ready`, `waiting` to be started again, `draining`, `stopped`, `failed`.
        phase: Which part of its start it is in, as its log says.
        said: The last line of its log.
        url: Base URL of its endpoint.
        pid: Its process.
        restarts: How often it was started again.
        seconds: How long the process has run.
    """

    state: State
    phase: str = ""
    said: str = ""
    url: str = ""
    pid: int | None = None
    restarts: int = 0
    seconds: float = 0.0


class ServerCommand(msgspec.Struct, frozen=True, kw_only=True):
    """What is run.

    Attributes:
        words: The program and its first arguments, the model among them.
        name: Under which name it serves the model.
        args: Further arguments.
        environment: Names of the variables that it sees of this process's.
        variables: Variables with their values, which take the place of others.
        grace: Seconds between SIGTERM and SIGKILL at its end.
    """

    words: tuple[str, ...]
    name: str
    args: tuple[str, ...] = ()
    environment: tuple[str, ...] = PASSED_ON
    variables: dict[str, str] = {}
    grace: float = 10.0

    def start(
        self, on_line: Callable[[str], None]
    ) -> tuple[ServerProcess, EndpointAddress, ApiKey]:
        """Start a process on a port that is free now; it answers only to a key made for it.

        The key is in its environment, which other users cannot read, and not among its arguments.
        """
        port = _free_port()
        key = ApiKey(secrets.token_urlsafe(24))
        environment = {n: v for n in self.environment if (v := os.environ.get(n)) is not None}
        environment |= {"VLLM_API_KEY": key.value, "VLLM_NO_USAGE_STATS": "1", **self.variables}
        where = ["--host", HOST, "--port", str(port), "--served-model-name", self.name]
        process = ServerProcess(
            [*self.words, *where, *self.args],
            environment=environment,
            grace=self.grace,
            on_line=on_line,
        )
        return process, EndpointAddress(f"http://{HOST}:{port}/v1"), key


class Serving:
    """One process of a server, and the way to it.

    Attributes:
        process: What was started.
        address: Where it listens.
        endpoint: Connections to it.
        born: When it was started.
        phase: Which part of its start it is in.
        killed_for: Why it was killed, if it was.
    """

    def __init__(
        self, process: ServerProcess, address: EndpointAddress, endpoint: Endpoint, born: float
    ) -> None:
        self.process = process
        self.address = address
        self.endpoint = endpoint
        self.born = born
        self.phase = ""
        self.killed_for = ""

    @property
    def health_url(self) -> str:
        """What is asked for its health."""
        return f"{self.address.base.removesuffix('/v1')}/health"

    @property
    def how(self) -> str:
        """How it ended."""
        return "; ".join(part for part in (self.process.exit, self.killed_for) if part)


def _free_port() -> int:
    """Return a port of the loopback that nobody uses now."""
    with socket.create_server((HOST, 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
