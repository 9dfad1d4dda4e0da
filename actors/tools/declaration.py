"""How a function says that it is a tool, and how it may be called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar, overload

from ...protocols.tools import ToolPolicy

if TYPE_CHECKING:
    from collections.abc import Callable

F = TypeVar("F", bound="Callable[..., Any]")

_ATTRIBUTE: Final = "passel_tool"


class Declaration(NamedTuple):
    """What `tool` was told.

    Attributes:
        name: What models call it, or empty for the function's own name.
        policy: How it may be called.
    """

    name: str = ""
    policy: ToolPolicy = ToolPolicy()


@overload
def tool(function: F, /) -> F: ...
@overload
def tool(
    *,
    name: str = ...,
    concurrency: int = ...,
    timeout: float = ...,
    retries: int = ...,
    backoff: float = ...,
    idempotent: bool = ...,
    hedge_after: float | None = ...,
) -> Callable[[F], F]: ...
def tool(
    function: Callable[..., Any] | None = None, /, *, name: str = "", **policy: Any
) -> Callable[..., Any]:
    """Say how a function may be called as a tool; it stays the function that it was.

    Args:
        function: The function, when used without parentheses.
        name: What models call it; by default its own name.
        policy: The fields of `ToolPolicy`: `concurrency`, `timeout`, `retries`, `backoff`,
            `idempotent`, `hedge_after`.
    """
    declaration = Declaration(name, ToolPolicy(**policy))

    def declare(target: F) -> F:
        setattr(target, _ATTRIBUTE, declaration)
        return target

    return declare if function is None else declare(function)


def declaration_of(function: Callable[..., Any]) -> Declaration:
    """Return what `tool` was told of a function; the defaults if it was told nothing."""
    found = getattr(function, _ATTRIBUTE, None)
    return found if isinstance(found, Declaration) else Declaration()
