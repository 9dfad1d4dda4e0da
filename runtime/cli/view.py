"""The live view of `passel run`: actors above, what they write below."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ...protocols.printable import printable
from .transcript import Answered, Spoken, Tabled, answer_text, interpret, text_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from .output import ActorRow

_COLOURS = ("cyan", "magenta", "green", "yellow", "blue", "red", "bright_cyan", "bright_magenta")
_STATES = {
    "busy": "green",
    "idle": "dim",
    "starting": "yellow",
    "stopping": "yellow",
    "restarting": "red",
}
_MIN_PANEL = 34  # columns; narrower panels are put under one another
_MOST_ROWS = 24
_FRAME_SECONDS = 0.1


class LiveView:
    """Redraws a table of actors and, for language workers, their texts side by side.

    Events of other kinds scroll by above. At the end the table goes and the texts stay; a run without
    an answer ends on its last phase.
    """

    shows_actors = True

    def __init__(self, name: str, console: Console | None = None) -> None:
        self._name = name
        self._console = console or Console()
        self._phase = "starting"
        self._rows: Sequence[ActorRow] = ()
        self._texts: dict[str, str] = {}
        self._tables: dict[str, Tabled] = {}
        self._answer: Answered | None = None
        self._has_result = False
        self._drawn = 0.0
        self._live = Live(
            console=self._console, auto_refresh=False, transient=True, redirect_stderr=True
        )
        self._live.start()

    def phase(self, words: str) -> None:
        """Show the phase in the title."""
        self._phase = words
        self._draw(now=True)

    def actors(self, rows: Sequence[ActorRow]) -> None:
        """Show the table anew."""
        self._rows = rows
        self._draw()

    def event(self, event: object) -> None:
        """Let a worker's text grow, keep tables and an answer, print others above the view."""
        reading = interpret(event)
        if isinstance(reading, Spoken):
            self._texts[reading.worker] = self._texts.get(reading.worker, "") + reading.text
        elif isinstance(reading, Answered):
            self._answer = reading
        elif isinstance(reading, Tabled):
            self._tables[reading.name] = reading
        else:
            self._live.console.print(Text(reading.line))
        self._draw()

    def result(self, value: object) -> None:
        """Print the result."""
        self._has_result = True
        self._live.console.print(Text(text_of(value)))

    def close(self) -> None:
        """Take the actors away; leave main's tables, the workers' texts and the answer."""
        self._live.stop()
        for table in self._tables.values():
            if table.rows:
                self._console.print(_drawn(table))
        if self._texts:
            self._console.print(self._panels(None))
        if self._answer is not None:
            self._console.print(Text(answer_text(self._answer), style="bold"))
        elif not self._has_result:
            self._console.print(Text(f"{self._name}: {self._phase}", style="dim"))

    def _draw(self, *, now: bool = False) -> None:
        moment = time.monotonic()
        if now or moment - self._drawn >= _FRAME_SECONDS:
            self._drawn = moment
            self._live.update(self.render(), refresh=True)

    def render(self) -> RenderableType:
        """Return the whole view as it is now."""
        tables = [self._table(), *map(_drawn, self._tables.values())]
        if not self._texts:
            return Group(*tables)
        room = max(6, self._console.height - min(len(self._rows), _MOST_ROWS) - 8)
        return Group(*tables, self._panels(room))

    def _table(self) -> Table:
        table = Table(
            title=f"[bold]{escape(self._name)}[/] [dim]{escape(self._phase)}[/]",
            title_justify="left",
            expand=True,
            box=SIMPLE_HEAD,
        )
        for heading in ("actor", "class", "node", "state"):
            table.add_column(heading, overflow="ellipsis", no_wrap=True)
        table.add_column("mailbox", justify="right")
        table.add_column("messages/s", justify="right")
        for row in self._rows[:_MOST_ROWS]:
            state = Text(row.state, style=_STATES.get(row.state, ""))
            depth, rate = str(row.depth), f"{row.rate:,.0f}"
            cells = (Text(printable(text)) for text in (row.name, row.kind, row.node))
            table.add_row(*cells, state, depth, rate)
        if len(self._rows) > _MOST_ROWS:
            table.add_row(f"[dim]and {len(self._rows) - _MOST_ROWS} more[/]")
        return table

    def _panels(self, room: int | None) -> RenderableType:
        """Return the workers' panels; with `room`, only the last lines that fit into it."""
        texts = self._texts
        beside = self._console.width >= _MIN_PANEL * len(texts)
        columns = len(texts) if beside else 1
        lines = None if room is None else max(2, (room if beside else room // len(texts)) - 2)
        width = self._console.width // columns - 4
        panels = [
            Panel(
                _tail(text, width, lines),
                title=escape(worker),
                title_align="left",
                border_style=_COLOURS[index % len(_COLOURS)],
            )
            for index, (worker, text) in enumerate(texts.items())
        ]
        if not beside:
            return Group(*panels)
        grid = Table.grid(expand=True)
        for _ in panels:
            grid.add_column(ratio=1)
        grid.add_row(*panels)
        return grid


def _drawn(tabled: Tabled) -> Table:
    """Return a table of main's."""
    table = Table(title=Text(tabled.name, style="bold"), title_justify="left", box=SIMPLE_HEAD)
    for heading in tabled.columns:
        table.add_column(Text(heading), overflow="ellipsis", no_wrap=True)
    for row in tabled.rows[:_MOST_ROWS]:
        table.add_row(*map(Text, row))
    if len(tabled.rows) > _MOST_ROWS:
        table.add_row(f"[dim]and {len(tabled.rows) - _MOST_ROWS} more[/]")
    return table


def _tail(text: str, width: int, lines: int | None) -> Text:
    """Return the last lines of a text, wrapped to a width."""
    if lines is None:
        return Text(text)
    shown = text[-max(1, width) * lines :]  # more cannot fit, and wrapping all of it costs time
    wrapped = Text(shown).wrap(Console(file=sys.stderr), max(1, width))
    return Text("\n").join(wrapped[-lines:])
