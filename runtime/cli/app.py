"""Puts the commands together and turns errors into sentences and exit codes."""

from __future__ import annotations

import os
import signal
import sys
from importlib.metadata import entry_points
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from ...protocols.errors import PasselError
from ...protocols.printable import printable
from . import exits, letters, logs, metrics, models, new, node, remote, run, simulate, top, topology
from .report import code_of, report

PLUGINS = "passel.commands"
"""Entry point group of more commands: each names a `typer.Typer`."""


class CommandGroup(TyperGroup):
    """Runs commands; an error of the runtime ends in its own words, not in a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was named."""
        try:
            return super().invoke(ctx)
        except PasselError as error:
            report(error)
            raise typer.Exit(code_of(error)) from None
        except KeyboardInterrupt:
            raise typer.Exit(exits.INTERRUPTED) from None
        except BrokenPipeError:  # `passel graph ... | head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python complains
            raise typer.Exit(exits.OK) from None


app = typer.Typer(
    name="passel",
    cls=CommandGroup,
    epilog=exits.TABLE,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import PackageNotFoundError, version

        try:
            typer.echo(f"passel {version('passel')}")
        except PackageNotFoundError:
            typer.echo("passel, from a checkout that is not installed")
        raise typer.Exit


@app.callback()
def _passel(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version and leave.", is_eager=True, callback=_print_version
        ),
    ] = False,
) -> None:
    """Run crowds of actors: language models, tools, simulators and what learns from them."""
    if context.invoked_subcommand != "run":  # which has its own way with signals, see interruption
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


for _module in (run, simulate, topology, remote, top, metrics, letters, logs, models, new, node):
    _module.add_to(app)


def add_plugins(target: typer.Typer) -> None:
    """Add the commands of installed packages; one that fails to load is said on stderr."""
    for entry in entry_points(group=PLUGINS):
        try:
            target.add_typer(entry.load(), name=entry.name)
        except Exception as error:  # noqa: BLE001 - a foreign package must not break every command
            text = f"warning: the command {entry.name} of {entry.value} does not load: {error}"
            typer.secho(printable(text), err=True, fg="yellow")


def entry() -> None:
    """Run the command line of this process."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal without Unicode shows escapes instead
            stream.reconfigure(errors="backslashreplace")
    add_plugins(app)
    app(prog_name="passel")
