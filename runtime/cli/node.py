"""`node`: what a runtime starts as a child process. Kept here for `--help`; see `__main__`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import typer


def add_to(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("node")(node_command)


def node_command() -> None:
    """Run one node of a runtime. Runtimes start this themselves; it reads its settings from stdin.

    **Examples**

    `passel run examples/pipeline.yaml` starts one for each entry of `nodes:`
    """
    from ..node_main import main  # it needs sockets

    main()
