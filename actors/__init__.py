"""The actor, its handle, and the reusable actors."""

from __future__ import annotations

from .actor import Actor
from .call import CURRENT_CALL, Call
from .context import Context
from .handler import handler
from .pool import Pool
from .ref import ActorRef
from .topic import Topic

__all__ = ["CURRENT_CALL", "Actor", "ActorRef", "Call", "Context", "Pool", "Topic", "handler"]
