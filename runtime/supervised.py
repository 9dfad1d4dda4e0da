"""What a runtime offers about supervision: groups of actors, and watching groups and nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..protocols.control import GroupOptions

if TYPE_CHECKING:
    from ..protocols.control import GroupDown, GroupStatus, NodeDown, Strategy
    from .names.directory import Directory
    from .supervision.supervisor import Supervisor


class Supervised:
    """The part of a runtime's face that is about groups, and about watching what is no actor."""

    @property
    def _supervisor(self) -> Supervisor:
        raise NotImplementedError

    @property
    def _directory(self) -> Directory:
        raise NotImplementedError

    async def group(
        self,
        name: str,
        *,
        strategy: Strategy = "one_for_one",
        max_restarts: int = 3,
        within: float = 60.0,
        backoff: float = 0.05,
        max_backoff: float = 5.0,
    ) -> str:
        """Begin a group of actors that are supervised together; return its name for `options`.

        Args:
            name: Its name.
            strategy: Whom the failure of one member restarts: it alone (`one_for_one`), all
                (`one_for_all`), or it and those that joined after it (`rest_for_one`).
            max_restarts: Failures allowed within the window; one more stops every member, and
                the failure escalates to the runtime.
            within: Length of that window in seconds.
            backoff: Seconds before the first restart; doubles with each further one.
            max_backoff: Longest pause in seconds.

        Raises:
            NameTakenError: A group of that name lives.
        """
        options = GroupOptions(
            strategy=strategy,
            max_restarts=max_restarts,
            within=within,
            backoff=backoff,
            max_backoff=max_backoff,
        )
        self._supervisor.open(name, options)
        return name

    async def groups(self) -> list[GroupStatus]:
        """Return how every group is."""
        return await self._supervisor.groups()

    async def stop_group(self, name: str) -> None:
        """Stop the members of a group, the latest first; nothing escalates.

        Raises:
            DeadActorError: There is no such group.
        """
        await self._supervisor.stop_group(name)

    async def watch_group(self, name: str) -> GroupDown:
        """Wait until a group has ended and return why; at once when it already has.

        Raises:
            DeadActorError: There is no such group.
        """
        return await self._supervisor.watch_group(name)

    async def watch_node(self, name: str) -> NodeDown:
        """Wait until the present life of a node has ended and return how; at once if none is up.

        Raises:
            DeadActorError: There is no such node.
        """
        return await self._directory.watch_node(name)
