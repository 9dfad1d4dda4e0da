"""The package's logger: structlog's, quiet below warnings until the program configures it.

Unconfigured structlog prints everything, which would put a library's chatter between the lines
of a user's program. It is imported at the first line that is logged: it loads rich, which a
node has no use for at its start.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Catch = Callable[[str, str, dict[str, Any]], object]


class CaughtLogger:
    """Hands every line to a function: what stands for structlog's logger in a simulation."""

    def __init__(self, catch: Catch, facts: dict[str, Any]) -> None:
        self._catch = catch
        self._facts = facts

    def bind(self, **facts: Any) -> CaughtLogger:
        """Return a logger with more facts bound."""
        return CaughtLogger(self._catch, {**self._facts, **facts})

    def __getattr__(self, level: str) -> Any:
        """Return the method that logs at a level, such as `info`."""
        return lambda event, **facts: self._catch(level, event, {**self._facts, **facts})


class Logger:
    """Logs events with facts as keywords."""

    def __init__(self) -> None:
        self._configure: Callable[[], None] | None = None
        self._catch: Catch | None = None

    @contextmanager
    def caught(self, catch: Catch) -> Iterator[None]:
        """Hand every line to `catch(level, event, facts)` for a while, and to nobody else."""
        before, self._catch = self._catch, catch
        try:
            yield
        finally:
            self._catch = before

    def configure_later(self, configure: Callable[[], None]) -> None:
        """Have `configure` set structlog up when the first line is logged."""
        self._configure = configure

    def bound(self, **facts: Any) -> Any:
        """Return a structlog logger with facts bound."""
        if self._catch is not None:
            return CaughtLogger(self._catch, facts)
        if self._configure is not None:
            configure, self._configure = self._configure, None
            configure()
        import structlog  # slow to import

        return structlog.get_logger().bind(**facts)

    def debug(self, event: str, **facts: Any) -> None:
        """Log what only a developer of the runtime wants to see."""
        if self._wanted():
            self.bound().debug(event, **facts)

    def info(self, event: str, **facts: Any) -> None:
        """Log an ordinary event."""
        if self._wanted():
            self.bound().info(event, **facts)

    def warning(self, event: str, **facts: Any) -> None:
        """Log what may need attention."""
        self.bound().warning(event, **facts)

    def error(self, event: str, **facts: Any) -> None:
        """Log a failure."""
        self.bound().error(event, **facts)

    def _wanted(self) -> bool:
        """Return whether the program has configured structlog: only then it wants chatter."""
        if self._catch is not None:
            return True
        structlog = sys.modules.get("structlog")
        return structlog is not None and bool(structlog.is_configured())


log: Final = Logger()
