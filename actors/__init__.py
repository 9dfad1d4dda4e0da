"""The actor, its handle, and the reusable actors."""

from __future__ import annotations

from .actor import Actor
from .call import CURRENT_CALL, Call
from .context import Context
from .handler import handler
from .ref import ActorRef

__all__ = ["CURRENT_CALL", "Actor", "ActorRef", "Call", "Context", "handler"]
