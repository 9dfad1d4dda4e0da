"""Records with secrets: text that is made of them leaves these out."""

from __future__ import annotations

from typing import Any, ClassVar, Final

HIDDEN: Final = "..."
"""What stands for a secret."""


class Confidential:
    """Mixed into a record, it keeps some of its fields out of logs, tracebacks and shells.

    Attributes:
        secrets: Names of the fields that are not shown.
    """

    __slots__ = ()

    secrets: ClassVar[frozenset[str]] = frozenset()
    __struct_fields__: ClassVar[tuple[str, ...]]

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.__rich_repr__())
        return f"{type(self).__name__}({shown})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [
            (name, HIDDEN if name in self.secrets else getattr(self, name))
            for name in self.__struct_fields__
        ]
