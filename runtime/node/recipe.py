"""What an actor is made of, at first and after each failure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .context import ActorContext

if TYPE_CHECKING:
    from ...actors.actor import Actor
    from .cell import Cell
    from .node import Node


class Recipe:
    """The class of an actor and the arguments of its constructor."""

    __slots__ = ("actor_class", "arguments", "keywords")

    def __init__(
        self, actor_class: type[Actor], arguments: tuple[Any, ...], keywords: dict[str, Any]
    ) -> None:
        self.actor_class = actor_class
        self.arguments = arguments
        self.keywords = keywords or None

    def make(self, cell: Cell, node: Node) -> Actor:
        """Return a new object; its context is set before its constructor runs.

        Raises:
            Exception: Whatever the constructor raised.
        """
        actor = self.actor_class.__new__(self.actor_class)
        actor.context = ActorContext(cell, node)
        actor.__init__(*self.arguments, **(self.keywords or {}))  # type: ignore[misc]  # it has any signature
        return actor
