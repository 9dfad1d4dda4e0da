"""The file that says which shares the modes should have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import BeamTableError
from .rows import fields_of, modes_of, numbers_of, shares_of, whole_lines

if TYPE_CHECKING:
    from pathlib import Path

    from ...protocols.trial import Outcome


def read_benchmark(path: str | Path) -> Outcome:
    """Return the shares of a benchmark file, of 1: what a calibration aims at.

    The first line names the modes, the second has their shares in any unit; the first field of
    each counts for nothing. BEAM itself says only in its log that it has not found the file, and
    then writes zeros.

    Raises:
        BeamTableError: There is no such file, or its shares are no shares, or all 0.
    """
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError as error:
        raise BeamTableError(path, reason=error.strerror or str(error)) from None
    name = str(path)
    lines = whole_lines(content + b"\n")
    if len(lines) < 2:
        raise BeamTableError(
            name, reason="a line of modes and a line of their shares should be here"
        )
    modes = modes_of(name, fields_of(name, lines[0], 1))
    fields = fields_of(name, lines[1], 2)[1:]
    if len(fields) != len(modes):
        reason = f"{len(fields)} shares, where line 1 names {len(modes)} modes"
        raise BeamTableError(name, line=2, reason=reason)
    return shares_of(name, modes, numbers_of(name, fields, 2), number=2)
