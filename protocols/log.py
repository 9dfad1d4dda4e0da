"""The package's logger: structlog's, but quiet below warnings until the program configures it.

Unconfigured structlog prints everything, which would put a library's chatter between the lines
of a user's program. The command line configures it; an embedding program may.
"""

from __future__ import annotations

from typing import Any, Final

import structlog


class Logger:
    """Logs events with facts as keywords."""

    def debug(self, event: str, **facts: Any) -> None:
        """Log what only a developer of the runtime wants to see."""
        if structlog.is_configured():
            structlog.get_logger().debug(event, **facts)

    def info(self, event: str, **facts: Any) -> None:
        """Log an ordinary event."""
        if structlog.is_configured():
            structlog.get_logger().info(event, **facts)

    def warning(self, event: str, **facts: Any) -> None:
        """Log what may need attention."""
        structlog.get_logger().warning(event, **facts)

    def error(self, event: str, **facts: Any) -> None:
        """Log a failure."""
        structlog.get_logger().error(event, **facts)


log: Final = Logger()
