"""The base class of every actor."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .context import Context


class Actor:
    """An object with private state and a mailbox.

    Methods marked with `handler` may be called through a reference. One message is handled at
    a time, in the order of arrival; handlers declared concurrent, and streams, run beside.

    A life, step by step:
        1. The class is called with the arguments of `spawn`; `context` is already set.
        2. `started` runs; `spawn` returns to its caller when it is done.
        3. Messages are handled. An error in an ask answers that ask; one in a tell is given to
           supervision, which by default restarts the actor: `stopping` is not called, a new
           object is made from the same arguments, address and mailbox stay.
        4. `stopping` runs on an ordered stop, within the grace given to it.
    """

    context: Context

    async def started(self) -> None:
        """Prepare; called once per life before the first message. May be overridden."""

    async def stopping(self) -> None:
        """Clean up; called on an ordered stop after the last message. May be overridden."""
