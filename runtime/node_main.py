"""What a child process does: `python -m passel node`, configured over its standard input."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec

from ..actors.ref import reference_type
from ..protocols.address import LIFE_SHIFT, Address
from ..protocols.control import NodeConfig
from ..protocols.errors import PasselError
from ..protocols.log import log
from .directory import Directory
from .locator import RemoteLocator
from .node import Node
from .service import NodeService
from .zeromq import ZeroMQTransport

if TYPE_CHECKING:
    from collections.abc import Sequence

LEAVE_SECONDS: Final = 5.0
"""Grace of each actor when the node leaves in order."""

_REPORT_CHARACTERS = 2_000

_ORPHAN_SECONDS = 10.0

_HELP = """usage: passel node < CONFIG

Run one node of a runtime. A runtime starts its nodes itself, and hands each one line of JSON
(protocols/control.py, NodeConfig) on its standard input; the node leaves when that closes."""

DIRECTORY_SERIAL: Final = 1


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
        asyncio.run(_run(config))
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
    identity = f"{config.node}/{config.life}".encode()
    transport = ZeroMQTransport(identity, bind_address(config))
    async with asyncio.TaskGroup() as group:
        node = Node(
            config.node,
            config.life,
            group=group,
            transport=transport,
            cookie=config.cookie,
            isolate=bool(config.options.get("isolate")),
            seed=config.seed,
        )
        leader = config.leader
        node.router.peers[leader.node] = leader
        address = Address(leader.node, "@directory", leader.life << LIFE_SHIFT | DIRECTORY_SERIAL)
        directory = node.reference(reference_type(Directory), address)
        node.router.locator = RemoteLocator(directory)  # type: ignore[arg-type]  # a reference is its actor
        node.report = partial(_report, directory)
        service = node.new_cell(
            NodeService, (node, config.main_path, over.set), {}, name="@node", serial=0
        )
        await node.start_cell(service)
        await directory.joined(node.info)
        await over.wait()
        await node.close(grace=float(config.options.get("grace", LEAVE_SECONDS)))


def _report(directory: Any, event: str, actor: str, what: str) -> None:
    """Tell the leader of a failure, so that it is seen where the program was started."""
    with contextlib.suppress(PasselError):  # the leader is gone or flooded; the node's log has it
        directory.failed.tell_nowait(event, actor, what[:_REPORT_CHARACTERS])


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


def bind_address(config: NodeConfig) -> str:
    """Return the address that the node's socket binds."""
    if config.transport == "tcp":
        return "tcp://127.0.0.1:0"
    return f"ipc://{config.run_directory}/{config.node}.{config.life}"
