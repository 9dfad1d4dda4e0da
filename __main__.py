"""`python -m passel` and the `passel` command."""

from __future__ import annotations

import os
import signal
import sys


def main() -> None:
    """Run the command line.

    `passel node` goes straight to its work: a node loads no command line library.
    """
    if sys.argv[1:2] == ["node"] and not {"-h", "--help"} & set(sys.argv):
        from .runtime.node_main import main as node  # only a node needs it

        node()
        return
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)
    from .runtime.cli.app import entry  # slow to import, and a node does not need it

    entry()


def _leave(number: int, _frame: object) -> None:
    """Leave at once: while commands are still being imported, nothing is there to be stopped."""
    os._exit(128 + number)


if __name__ == "__main__":
    main()
