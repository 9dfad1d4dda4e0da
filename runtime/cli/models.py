"""`models pull`, `models list` and `models export`."""

from __future__ import annotations

import json
import sys
from pathlib import Path  # noqa: TC003  # typer reads it
from typing import Annotated

import typer

from .errors import UsageProblemError


def add_to(app: typer.Typer) -> None:
    """Add the commands of this file."""
    group = typer.Typer(help="Pull language models and see which are there.", no_args_is_help=True)
    group.command("pull")(pull_command)
    group.command("list")(list_command)
    group.command("export")(export_command)
    app.add_typer(group, name="models")


def pull_command(
    name: Annotated[str, typer.Argument(help="A model that `passel models list` knows.")],
) -> None:
    """Fetch a model once, check it, and keep it in the user's cache folder.

    **Examples**

    `passel models pull smollm2-135m`
    """
    from ...actors.llm.models import installed, known, pull  # not needed by any other command

    names = [card.name for card in known()]
    if name not in names:
        raise UsageProblemError(f'there is no model "{name}" to pull', f"known: {', '.join(names)}")
    if name in installed():
        typer.echo(f"{name} is there: {installed()[name]}")
        return
    path = _with_bar(name) if sys.stderr.isatty() else pull(name)
    typer.echo(f"pulled {name}: {path}")


def list_command(
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Show the models that can be pulled, and those that are there.

    **Examples**

    `passel models list --json`
    """
    from ...actors.llm.models import installed, known  # not needed by any other command

    here = installed()
    if as_json:
        rows = [
            {
                "name": card.name,
                "bytes": card.size,
                "license": card.license,
                "path": str(here[card.name]) if card.name in here else None,
            }
            for card in known()
        ]
        typer.echo(json.dumps(rows, indent=2))
        return
    for card in known():
        where = str(here[card.name]) if card.name in here else "not pulled"
        typer.echo(f"{card.name:<20} {card.size / 1e6:>8.1f} MB  {card.license:<12} {where}")


def export_command(
    model: Annotated[str, typer.Argument(help="A pulled model, a .gguf file or a folder.")],
    folder: Annotated[Path, typer.Argument(help="Where to; it must not exist yet.")],
    dtype: Annotated[str, typer.Option(help="float32, bfloat16 or float16.")] = "bfloat16",
) -> None:
    """Write a model as a Hugging Face folder, which vLLM and others read.

    **Examples**

    `passel models export smollm2-135m smollm2`
    """
    from ...actors.llm.export import export  # loads torch

    typer.echo(f"exported {model}: {export(model, folder, dtype=dtype)}")


def _with_bar(name: str) -> str:
    from rich.console import Console  # slow to import
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    from ...actors.llm.models import pull

    columns = (TextColumn("{task.description:<10}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        tasks: dict[str, object] = {}

        def show(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = progress.add_task(step, total=total)
            progress.update(tasks[step], completed=done, total=total)  # type: ignore[arg-type]  # an opaque id

        return str(pull(name, show))
