"""`top`: nodes and actors of a running runtime, renewed every second."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self

import typer

from ...protocols.printable import printable
from ..telemetry.meter import quantile
from .rates import Rates, actor_rows
from .remote import NAME, find_runtime

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.table import Table

    from ..machine.rundir import RuntimeFacts
    from .guest import NodeLook
    from .output import ActorRow

Sort = Literal["rate", "mailbox", "name", "node"]

_MOST_ACTORS = 40


def add_to(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("top")(top_command)


def top_command(
    name: NAME,
    interval: Annotated[float, typer.Option(min=0.1, help="Seconds between two looks.")] = 1.0,
    sort: Annotated[Sort, typer.Option(help="What the actors are ordered by.")] = "rate",
    count: Annotated[int, typer.Option(min=0, help="Looks to take; 0: until Ctrl-C.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a look.")] = False,
) -> None:
    """Watch a running runtime: nodes, their asks and memory, actors and their mailboxes.

    Rates are those since the last look, so the first one has none. `answer p50` and `p99` are upper
    bounds that double: 64 us, 128 us and so on.

    **Examples**

    `passel top pipeline`

    `passel top crew --sort mailbox --interval 5`

    `passel top crew --json --count 2 | tail -1`
    """
    path, facts = find_runtime(name)
    asyncio.run(_watch(path, facts, interval, sort, count, as_json=as_json))


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRow:
    """One node at one moment.

    Attributes:
        name: Its name.
        life: Which life of it.
        pid: Its process.
        state: How it is, as the leader sees it.
        answers: Whether it answered in time; the rest is nothing if not.
        cpu: Cores in use.
        memory: Resident bytes.
        messages: Messages to and from other nodes in a second.
        asks: Asks that its actors made in a second.
        p50: Seconds that half of the asks since its start stayed below.
        p99: The same for all but one in a hundred.
        dead_letters: Messages that reached no handler.
        restarts: Restarts of its actors.
    """

    name: str
    life: int
    pid: int
    state: str
    answers: bool
    cpu: float = 0.0
    memory: int = 0
    messages: float = 0.0
    asks: float = 0.0
    p50: float = 0.0
    p99: float = 0.0
    dead_letters: int = 0
    restarts: int = 0


def node_row(look: NodeLook, rates: Rates, now: float) -> NodeRow:
    """Return the row of one node."""
    info, found = look.info, look.statistics
    state = look.status.state if look.status is not None else ""
    if found is None:
        return NodeRow(name=info.node, life=info.life, pid=info.pid, state=state, answers=False)
    life = f"{info.node}.{info.life}"
    return NodeRow(
        name=info.node,
        life=info.life,
        pid=info.pid,
        state=state,
        answers=True,
        cpu=rates.of("cpu", life, found.cpu_seconds, now),
        memory=found.memory_bytes,
        messages=rates.of("messages", life, found.sent + found.received, now),
        asks=rates.of("asks", life, found.asks.count, now),
        p50=quantile(found.asks.buckets, 0.5),
        p99=quantile(found.asks.buckets, 0.99),
        dead_letters=found.dead_letters,
        restarts=sum(actor.restarts for actor in found.actors),
    )


def ordered(rows: Sequence[ActorRow], sort: Sort) -> list[ActorRow]:
    """Return the actors in the order that was asked for; what is busiest comes first."""
    keys: dict[Sort, Any] = {
        "rate": lambda row: (-row.rate, row.name),
        "mailbox": lambda row: (-row.depth, row.name),
        "name": lambda row: row.name,
        "node": lambda row: (row.node, row.name),
    }
    return sorted(rows, key=keys[sort])


async def _watch(
    path: Path, facts: RuntimeFacts, interval: float, sort: Sort, count: int, *, as_json: bool
) -> None:
    from .guest import visit  # it needs sockets

    rates = Rates()
    async with visit(path, facts) as guest:
        with Screen(as_json=as_json) as show:
            looks = 0
            while True:
                found = await guest.look()
                now = time.monotonic()
                nodes = [node_row(look, rates, now) for look in found]
                statistics = [look.statistics for look in found if look.statistics is not None]
                actors = ordered(actor_rows(statistics, rates, now), sort)
                show(facts.name, nodes, actors)
                looks += 1
                if looks == count:
                    return
                await asyncio.sleep(interval)


class Screen:
    """Where looks are shown: the terminal in place, plain tables one after the other, or JSON."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._live: Any = None
        self._console: Any = None

    def __enter__(self) -> Self:
        if not self._as_json:
            from rich.console import Console  # rich is slow to import
            from rich.live import Live

            self._console = Console()
            if sys.stdout.isatty():
                self._live = Live(console=self._console, auto_refresh=False, screen=True)
                self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def __call__(self, name: str, nodes: list[NodeRow], actors: list[ActorRow]) -> None:
        """Show one look."""
        if self._as_json:
            shown = {"nodes": [asdict(n) for n in nodes], "actors": [asdict(a) for a in actors]}
            typer.echo(json.dumps({"runtime": name, **shown}))
            return
        from rich.console import Group  # rich is slow to import

        picture = Group(node_table(name, nodes), actor_table(actors))
        if self._live is not None:
            self._live.update(picture, refresh=True)
        else:
            self._console.print(picture)


_NUMBERS: Final = {
    "cores": 5, "MiB": 4, "msgs/s": 6, "asks/s": 6, "answer p50": 6, "answer p99": 6,
    "dead letters": 7, "re- starts": 6,
}  # fmt: skip
"""The columns of numbers, and how wide each is at least: all fit into a terminal of 80 columns."""


def node_table(name: str, nodes: Sequence[NodeRow]) -> Table:
    """Return the upper table; it fits into 80 columns."""
    table = _table(name, "node", "state")
    names = table.columns[0]  # a long name takes two lines, and no number is cut
    names.no_wrap, names.min_width = False, 8
    for heading, width in _NUMBERS.items():
        table.add_column(heading, justify="right", min_width=width)
    for row in nodes:
        place = (f"{row.name} ({row.life})", row.state)
        if not row.answers:
            table.add_row(*place, "[yellow]does not answer[/]")
            continue
        table.add_row(
            *place,
            f"{row.cpu:.2f}",
            f"{row.memory / 2**20:,.0f}",
            _short(row.messages),
            _short(row.asks),
            _duration(row.p50),
            _duration(row.p99),
            _short(row.dead_letters),
            _short(row.restarts),
        )
    return table


def actor_table(actors: Sequence[ActorRow]) -> Table:
    """Return the lower table."""
    from rich.text import Text  # rich is slow to import

    table = _table("", "actor", "class", "node", "state")
    table.add_column("mailbox", justify="right")
    table.add_column("messages/s", justify="right")
    for row in actors[:_MOST_ACTORS]:
        depth, rate = f"{row.depth:,}", f"{row.rate:,.0f}"
        cells = (Text(printable(text)) for text in (row.name, row.kind, row.node, row.state))
        table.add_row(*cells, depth, rate)
    if len(actors) > _MOST_ACTORS:
        table.add_row(f"and {len(actors) - _MOST_ACTORS:,} more")
    return table


def _table(title: str, *headings: str) -> Table:
    from rich.box import SIMPLE_HEAD  # rich is slow to import
    from rich.table import Table

    table = Table(
        title=title or None,
        title_justify="left",
        box=SIMPLE_HEAD,
        expand=True,
        padding=0,
        collapse_padding=True,
    )
    for heading in headings:
        table.add_column(heading, overflow="ellipsis", no_wrap=True)
    return table


def _short(number: float) -> str:
    """Return a number in at most six characters."""
    if number >= 1e6:
        return f"{number / 1e6:,.0f}M"
    if number >= 1e4:
        return f"{number / 1e3:,.0f}k"
    return f"{number:,.0f}"


def _duration(seconds: float) -> str:
    if seconds == 0.0:
        return "-"
    if seconds < 1e-3:
        return f"{seconds * 1e6:,.0f} us"
    return f"{seconds * 1e3:,.0f} ms" if seconds < 1.0 else f"{seconds:,.0f} s"
