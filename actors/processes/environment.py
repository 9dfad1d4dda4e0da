"""What a program sees of this process's environment: only what is named."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

INHERITED: Final = ("HOME", "LANG", "LC_ALL", "PATH", "TMPDIR", "TZ", "USER")
"""Environment variables that programs see unless something else is said."""


def environment_of(names: Iterable[str], variables: Mapping[str, str]) -> dict[str, str]:
    """Return the named variables, as far as they are set, and others with the values given."""
    return {name: os.environ[name] for name in names if name in os.environ} | dict(variables)
