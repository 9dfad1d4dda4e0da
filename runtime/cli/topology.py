"""`check`, `graph` and `schema`: what can be said of a topology file without running it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer

from ...protocols.printable import printable
from ..topology import (
    Problem,
    Simulate,
    TopologyError,
    add_import_path,
    check,
    graph,
    parse_assignment,
    read_topology,
    schema,
)
from ..topology.classes import check_by_classes
from ..topology.problem import render_path
from . import exits
from .errors import UsageProblemError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..topology.graph import Format

_ENDINGS = {".mmd": "mermaid", ".mermaid": "mermaid", ".dot": "dot", ".gv": "dot", ".svg": "svg"}
_FORMATS = "mermaid (.mmd, .mermaid), dot (.dot, .gv) or svg (.svg)"

FILE = Annotated[
    Path, typer.Argument(help="A topology: .yaml, .json or .toml.", show_default=False)
]
SET = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Replace a value: params.workers=4. May be repeated."
    ),
]


def add_to(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("check")(check_command)
    app.command("graph")(graph_command)
    app.command("schema")(schema_command)


def overrides_of(assignments: Sequence[str] | None) -> dict[str, Any]:
    """Return the values of `--set` by dotted path.

    Raises:
        TopologySchemaError: One of them is no assignment.
    """
    return dict(parse_assignment(text) for text in assignments or ())


def check_command(
    file: FILE,
    set_: SET = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print problems as JSON.")] = False,
) -> None:
    """Find what is wrong with a topology: keys, classes, arguments, wiring, circles, resources, simulation.

    Modules that the file names are imported; nothing is started. Warnings leave exit code 0.

    **Examples**

    `passel check examples/pipeline.yaml`

    `passel check crew.yaml --set params.workers=4 --json`
    """
    try:
        found = read_topology(file, overrides_of(set_))
        add_import_path(found.path)
        problems = check(found)
        if not any(problem.severity == "error" for problem in problems):
            problems += check_by_classes(found)
        if found.topology.simulate != Simulate():
            from ..simulation.experiment import check_simulation  # it needs a whole runtime

            problems += check_simulation(found)
    except TopologyError as error:
        problems = list(error.problems)
    errors = sum(problem.severity == "error" for problem in problems)
    if as_json:
        data = {"file": str(file), "ok": not errors, "problems": [_as_data(p) for p in problems]}
        typer.echo(json.dumps(data, indent=2))
    else:
        for problem in problems:
            colour = "red" if problem.severity == "error" else "yellow"
            typer.secho(printable(str(problem)), fg=colour, err=True)
        if errors:
            typer.echo(f"{file}: {errors} problem{'s' if errors > 1 else ''}", err=True)
        else:
            typer.secho(f"{file}: sound", fg="green")
    if errors:
        raise typer.Exit(exits.USAGE)


def graph_command(
    file: FILE,
    set_: SET = None,
    format_: Annotated[
        str,
        typer.Option("--format", "-f", metavar="mermaid|dot|svg", help="What to draw it in."),
    ] = "",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write here instead of stdout.")
    ] = None,
) -> None:
    """Draw a topology: processes as frames, actors as boxes, refs as arrows.

    Without `--format` the ending of the output decides: `.mmd` or `.mermaid`, `.dot` or `.gv`, `.svg`.
    On stdout it is Mermaid. SVG needs no other program.

    **Examples**

    `passel graph examples/pipeline.yaml`

    `passel graph examples/pipeline.yaml -o pipeline.svg`
    """
    chosen = format_of(format_, output)
    _write(graph(read_topology(file, overrides_of(set_)).topology, chosen), output)


def format_of(wanted: str, output: Path | None) -> Format:
    """Return the format that an option names, or the ending of the output; Mermaid for stdout.

    Raises:
        UsageProblemError: It is none that this draws.
    """
    if wanted:
        if wanted not in _ENDINGS.values():
            raise UsageProblemError(f'"{wanted}" is no format of graphs', f"use {_FORMATS}")
        return cast("Format", wanted)
    if output is None:
        return "mermaid"
    if output.suffix.lower() not in _ENDINGS:
        what = f'"{output.suffix}" is the ending of no format' if output.suffix else "has no ending"
        raise UsageProblemError(f"{output}: {what}", f"use {_FORMATS}, or --format")
    return cast("Format", _ENDINGS[output.suffix.lower()])


def schema_command(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write here instead of stdout.")
    ] = None,
) -> None:
    """Print the JSON Schema of topology files, so that an editor completes and underlines.

    **Examples**

    `passel schema -o topology.schema.json`

    Then begin a YAML file with `# yaml-language-server: $schema=topology.schema.json`, or give a JSON
    file the key `"$schema"`.
    """
    _write(json.dumps(schema(), indent=2) + "\n", output)


def _write(text: str, output: Path | None) -> None:
    if output is None:
        sys.stdout.write(text)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        what = f"{output} cannot be written: {error.strerror}"
        raise UsageProblemError(what, "choose another path for --output") from None


def _as_data(problem: Problem) -> dict[str, Any]:
    severity: Literal["error", "warning"] = problem.severity
    return {
        "severity": severity,
        "kind": problem.kind,
        "file": problem.mark.file,
        "line": problem.mark.line,
        "column": problem.mark.column,
        "key": render_path(problem.path),
        "message": problem.message,
        "mend": problem.mend,
    }
