"""Many seeds, side by side in several processes."""

from __future__ import annotations

import os
import selectors
import subprocess
import sys
from typing import IO, TYPE_CHECKING, Any

import msgspec

from .errors import SimulationError
from .run import Run
from .worker import Order

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

_WORKER = "passel.runtime.simulation.worker"


def run_seeds(
    source: str,
    seeds: range,
    *,
    overrides: Mapping[str, Any],
    kinds: Sequence[str],
    jobs: int,
) -> Generator[Run, None, None]:
    """Run every seed and yield what came of it, as it comes; close the generator to stop early.

    The processes have a fixed hash seed, so that also actors that go through sets of texts do the
    same in every run.

    Raises:
        SimulationError: A process ended before it had run its seeds.
    """
    jobs = min(jobs, len(seeds))
    workers = [
        _start(
            Order(
                source=source,
                overrides=dict(overrides),
                kinds=list(kinds),
                seeds=list(seeds[index::jobs]),
                import_path=list(sys.path),
            )
        )
        for index in range(jobs)
    ]
    try:
        yield from _results([_pipe(worker.stdout) for worker in workers])
        for worker in workers:
            if worker.wait() != 0:
                raise SimulationError(f"a process that ran seeds ended with {worker.returncode}")
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
            _pipe(worker.stdout).close()


def _start(order: Order) -> subprocess.Popen[bytes]:
    worker = subprocess.Popen(  # noqa: S603  # our own interpreter and module
        [sys.executable, "-m", _WORKER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONHASHSEED": "0"},
    )
    stdin = _pipe(worker.stdin)
    stdin.write(msgspec.json.encode(order))
    stdin.close()
    return worker


def _results(pipes: list[IO[bytes]]) -> Generator[Run, None, None]:
    """Yield the runs that come out of several pipes until all of them have ended."""
    decoder = msgspec.json.Decoder(Run)
    with selectors.DefaultSelector() as selector:
        for pipe in pipes:
            selector.register(pipe, selectors.EVENT_READ, bytearray())
        while selector.get_map():
            for key, _ in selector.select():
                data = os.read(key.fd, 1 << 16)
                if not data:
                    selector.unregister(key.fileobj)
                    continue
                buffer: bytearray = key.data
                buffer += data
                *lines, rest = bytes(buffer).split(b"\n")
                buffer[:] = rest
                yield from map(decoder.decode, lines)


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None, "it was asked for"
    return pipe
