"""What a child process does: `python -m passel node`, configured over its standard input."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ..protocols.control import NodeConfig
from ..protocols.errors import PasselError
from ..protocols.log import log
from .life import live
from .machine.local import LocalHost
from .machine.loops import run_on
from .security import Roster

if TYPE_CHECKING:
    from collections.abc import Sequence

_ORPHAN_SECONDS = 10.0

_HELP = """usage: passel node < CONFIG

Run one node of a runtime. A runtime starts its nodes itself, and hands each one line of JSON
(protocols/control.py, NodeConfig) on its standard input; the node leaves when that closes."""


def main(arguments: Sequence[str] = ()) -> None:
    """Run one node until the leader says to leave, or is gone.

    Args:
        arguments: Command line after `passel node`; only `--help` is known.
    """
    if arguments:
        sys.exit(_HELP)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    line = sys.stdin.buffer.readline()
    if not line:
        sys.exit("passel node: no configuration on standard input; it is started by a runtime")
    config = msgspec.json.decode(line, type=NodeConfig)
    sys.path[:] = config.import_path
    try:
        run_on(str(config.options.get("loop", "asyncio")), _run(config))
    except PasselError as error:
        sys.exit(f"passel node {config.node}: {error}")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # threads that still run blocking work would otherwise hold the process


async def _run(config: NodeConfig) -> None:
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, over.set)
    _watch_leader(loop, over)
    log.configure_later(partial(_configure_log, config.node))
    roster = Roster()
    if config.guest_key:
        roster.admit_guests(bytes.fromhex(config.guest_key))
    host = LocalHost(
        Path(config.run_directory), config.network, roster=roster, announce=config.announce
    )
    await live(config, host, over)


def _configure_log(node: str) -> None:
    """Write plain lines to standard error, which is the node's log file."""
    import structlog  # slow to import

    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(20),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    structlog.contextvars.bind_contextvars(node=node)


def _watch_leader(loop: asyncio.AbstractEventLoop, over: asyncio.Event) -> None:
    """Leave when standard input ends: the leader is gone, or wants this node to go.

    A thread reads it, so that it is noticed even while the loop is held up by blocking code;
    then the process ends the hard way after a while.
    """

    def watch() -> None:
        while os.read(0, 4096):
            pass
        with contextlib.suppress(RuntimeError):  # the loop is closed: the node has left already
            loop.call_soon_threadsafe(over.set)
        threading.Event().wait(_ORPHAN_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, name="passel-leader-watch", daemon=True).start()
