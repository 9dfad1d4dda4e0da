"""`metrics`: the counters of a running runtime as Prometheus reads them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import typer

from .errors import MissingExtraError
from .remote import NAME, find_runtime

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ...protocols.control import NodeStatistics
    from ..machine.rundir import RuntimeFacts


def add_to(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("metrics")(metrics_command)


def metrics_command(name: NAME) -> None:
    """Print the counters of a running runtime in Prometheus' text format.

    `passel run --metrics 9464` serves them over HTTP instead.

    **Examples**

    `passel metrics pipeline`

    `passel metrics pipeline | grep dead_letters`
    """
    metrics = load_metrics()
    path, facts = find_runtime(name)
    typer.echo(metrics.exposition(asyncio.run(_look(path, facts))), nl=False)


def load_metrics() -> Any:
    """Return the module that makes metrics.

    Raises:
        MissingExtraError: Its package is not installed.
    """
    try:
        from .. import metrics  # an extra
    except ModuleNotFoundError as error:
        raise MissingExtraError("metrics", error.name or "prometheus_client") from None
    return metrics


async def _look(path: Path, facts: RuntimeFacts) -> Sequence[NodeStatistics]:
    from .guest import visit  # it needs sockets

    async with visit(path, facts) as guest:
        looks = await guest.look()
    return [look.statistics for look in looks if look.statistics is not None]
