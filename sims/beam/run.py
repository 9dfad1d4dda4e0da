"""One trial's BEAM: its configuration, its processes and what it has shown."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from ...actors.processes import CommandWords, Program, run_command
from .errors import BeamRunError, BeamTableError
from .tables import confirming, table_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...actors.context import Threads
    from .place import Place
    from .rows import Shares
    from .setup import BeamSetup

_LINES: Final = 12
"""How many of the last lines of a run its failure tells."""

_CLEANUP_SECONDS: Final = 60.0
_CLEANUP_BYTES: Final = 1 << 20


class BeamRun:
    """A BEAM that runs from now on; whoever makes one awaits `end`.

    Args:
        setup: How BEAM is run and read.
        place: Its configuration, and the folder for its output.
        threads: Where files are looked at.
        now: Returns monotonic seconds.
        log: Is told when a clean-up fails.
    """

    def __init__(
        self,
        setup: BeamSetup,
        place: Place,
        *,
        threads: Threads,
        now: Callable[[], float],
        log: Any,
    ) -> None:
        self._setup = setup
        self._place = place
        self._threads = threads
        self._now = now
        self._log = log
        self._table = table_of(setup.source, commute=setup.commute)
        self._confirming = partial(confirming, setup.source, commute=setup.commute)
        self._look_at = now()
        self._failed = False
        self._program = Program(
            CommandWords(setup.command).fill(self._places()),
            environment=setup.seen_environment(),
            directory=setup.directory or None,
            grace=setup.grace,
        )

    @property
    def output(self) -> str:
        """Where its output lies, if that is kept."""
        keep = self._setup.keep
        kept = keep == "all" or (keep == "failed" and self._failed)
        return str(self._place.folder.path) if kept else ""

    async def more(self) -> list[Shares]:
        """Return the iterations that follow those returned before, once there are any.

        Raises:
            BeamRunError: There will be none, or none came for too long.
        """
        setup = self._setup
        begun = self._now()
        patience = setup.iteration_timeout if self._table.done else setup.start_timeout
        while True:
            await self._program.wait(max(0.0, self._look_at - self._now()))
            over = self._program.over.is_set()
            try:
                found = await self._look(over=over)
            except BeamTableError as error:
                raise await self._failure(f"wrote what cannot be read ({error})") from None
            if not found or self._table.by_rows:  # a look at the same file again should say more
                self._look_at = self._now() + setup.poll
            if found:
                return found
            if over:
                raise await self._failure(f"ended by itself ({self._program.ending})")
            if self._now() - begun > patience:
                raise await self._failure(f"showed no further iteration for {patience:g} s")

    async def end(self, *, finish: bool) -> None:
        """End BEAM and all that it has started, and clear up after it.

        Args:
            finish: Whether it may write first what it writes after its last iteration.
        """
        try:
            if finish:
                await self._program.wait(self._setup.finish_timeout)
        finally:
            try:
                await self._program.aclose()
            finally:
                self._place.config.remove()
                await self._clear_up()

    async def _look(self, *, over: bool) -> list[Shares]:
        table = self._table
        look = partial(self._place.folder.look, table.path(), table.done, self._confirming)
        content, settled = await self._threads.run(look)
        final = over and (table.by_rows or self._program.ended_well)
        return table.read(content, settled=settled, final=final)

    async def _failure(self, reason: str) -> BeamRunError:
        self._failed = True
        lines = self._program.lines.tail(_LINES)
        logged = partial(self._place.folder.logged, _LINES)
        return BeamRunError(
            reason,
            iterations=self._table.done,
            output=self.output,
            lines=lines or await self._threads.run(logged),
        )

    async def _clear_up(self) -> None:
        if self._setup.cleanup:
            fault = await self._clean_up(CommandWords(self._setup.cleanup).fill(self._places()))
            if fault:
                self._log.warning(
                    "what BEAM left may still be there", name=self._places()["name"], cleanup=fault
                )
        if not self.output:
            await self._threads.run(self._place.folder.remove)

    async def _clean_up(self, command: list[str]) -> str:
        """Run the command that clears up; return why it did not, or nothing."""
        try:
            async with asyncio.timeout(_CLEANUP_SECONDS):
                finished = await run_command(
                    command,
                    environment=self._setup.seen_environment(),
                    directory=self._setup.directory or None,
                    max_output=_CLEANUP_BYTES,
                )
        except TimeoutError:
            return f"took longer than {_CLEANUP_SECONDS:g} s"
        if finished.ended.exit == 0:
            return ""
        said = finished.stderr.decode(errors="replace").strip()
        return f"{finished.ended}: {said}" if said else str(finished.ended)

    def _places(self) -> dict[str, str]:
        path = self._place.folder.path
        return {
            "config": str(self._place.config.path),
            "output": str(path),
            "folder": str(self._setup.scenario.parent),
            "name": f"passel-{path.name}",
        }
