"""What can go wrong between a program and BEAM.

PasselError
└── BeamError
    ├── BeamSetupError      what the adapter was given cannot be used
    ├── BeamParameterError  a name that stands for no key of BEAM's configuration
    ├── BeamTableError      a file that cannot be read as what it should be
    └── BeamRunError        a run of BEAM came to no good end
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...protocols.errors import PasselError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class BeamError(PasselError):
    """Everything that goes wrong with BEAM."""


class BeamSetupError(BeamError):
    """Raised when the adapter cannot work with what it was given.

    Attributes:
        what: Which of its arguments, and its value.
        reason: What is wrong with it, and what mends that.
    """

    def __init__(self, what: str, *, reason: str) -> None:
        super().__init__(f"BEAM cannot be run: {what} {reason}")
        self.what = what
        self.reason = reason


class BeamParameterError(BeamError):
    """Raised when a name stands for no key of BEAM's configuration, or for one that is taken."""

    def __init__(self, name: str, *, reason: str) -> None:
        super().__init__(f"{name!r} is no parameter of BEAM: {reason}")
        self.name = name
        self.reason = reason


class BeamTableError(BeamError):
    """Raised when a file cannot be read as what it should be.

    Attributes:
        file: Which file.
        line: Which of its lines, counted from 1; 0 for the file as a whole.
        reason: What is wrong.
    """

    def __init__(self, file: str | Path, *, line: int = 0, reason: str) -> None:
        super().__init__(f"{file}{f', line {line}' if line else ''}: {reason}")
        self.file = str(file)
        self.line = line
        self.reason = reason


class BeamRunError(BeamError):
    """Raised when a run of BEAM came to no good end.

    Attributes:
        reason: What became of it.
        iterations: How many iterations it has completed.
        output: Where its output lies; empty if it was removed.
        lines: What it wrote last to standard output and error.
    """

    def __init__(
        self, reason: str, *, iterations: int, output: str = "", lines: Sequence[str] = ()
    ) -> None:
        where = f"; its output is in {output}" if output else ""
        said = "; the last it wrote:" + "".join(f"\n    {line}" for line in lines) if lines else ""
        super().__init__(f"BEAM {reason} after {iterations} complete iterations{where}{said}")
        self.reason = reason
        self.iterations = iterations
        self.output = output
        self.lines = tuple(lines)
