"""Errors of topology files.

```
PasselError
└── TopologyError                a topology that cannot run; carries every problem found
    ├── TopologyReadError        the file is missing, unreadable or not text
    ├── TopologySyntaxError      not YAML, JSON or TOML; a key given twice; a foreign tag
    ├── TopologyLimitError       too large, too deep or too many values
    ├── SubstitutionError        `${name}` stands for nothing, or for itself
    ├── TopologySchemaError      an unknown key, a missing one, a value of the wrong type
    ├── WiringError              a node or a ref that does not exist; a cycle of refs
    ├── ActorClassError          a class that cannot be imported or is no actor; or no invariants
    ├── ActorArgumentsError      arguments that a constructor does not take
    ├── MainError                a `main` that cannot be asked
    └── ResourcesError           counts that no machine can meet
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from ...protocols.errors import PasselError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .problem import Kind, Problem


class TopologyError(PasselError):
    """Raised when a topology cannot run.

    Attributes:
        problems: Everything found wrong, in the order of the file; never empty.
    """

    kind: ClassVar[Kind | None] = None

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class TopologyReadError(TopologyError):
    """Raised when a topology file is missing, unreadable or not UTF-8 text."""

    kind = "read"


class TopologySyntaxError(TopologyError):
    """Raised when a file is not YAML, JSON or TOML, gives a key twice or uses a foreign tag."""

    kind = "syntax"


class TopologyLimitError(TopologyError):
    """Raised when a file is larger, deeper or has more values than a topology may have."""

    kind = "limit"


class SubstitutionError(TopologyError):
    """Raised when `${name}` names no parameter or variable, or stands for itself."""

    kind = "substitution"


class TopologySchemaError(TopologyError):
    """Raised when a key is unknown or missing, or a value has the wrong type."""

    kind = "schema"


class WiringError(TopologyError):
    """Raised when a node or a ref does not exist, or refs run in a circle."""

    kind = "wiring"


class ActorClassError(TopologyError):
    """Raised when a class cannot be imported or is no subclass of `Actor`, or of `Invariants`."""

    kind = "class"


class ActorArgumentsError(TopologyError):
    """Raised when a constructor does not take the arguments that the file gives it."""

    kind = "arguments"


class MainError(TopologyError):
    """Raised when `main` names no handler, or arguments that the handler does not take."""

    kind = "main"


class ResourcesError(TopologyError):
    """Raised when a count asks for what no machine can give."""

    kind = "resources"


_BY_KIND: dict[Kind, type[TopologyError]] = {
    error.kind: error for error in TopologyError.__subclasses__() if error.kind is not None
}


def error_for(problems: Sequence[Problem]) -> TopologyError:
    """Build the error whose class is that of the first problem that is not a warning."""
    first = next((p for p in problems if p.severity == "error"), problems[0])
    return _BY_KIND[first.kind](problems)
