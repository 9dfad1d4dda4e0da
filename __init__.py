"""Passel: an asynchronous, actor-based multi-agent runtime over ZeroMQ."""

from __future__ import annotations

from .actors import Actor, ActorRef, Context, handler
from .protocols.errors import (
    ActorError,
    CallCycleError,
    DeadActorError,
    DeadlineError,
    MailboxFullError,
    NodeDeadError,
    PasselError,
    RemoteError,
    SpawnError,
)
from .runtime import Runtime

__all__ = [
    "Actor",
    "ActorError",
    "ActorRef",
    "CallCycleError",
    "Context",
    "DeadActorError",
    "DeadlineError",
    "MailboxFullError",
    "NodeDeadError",
    "PasselError",
    "RemoteError",
    "Runtime",
    "SpawnError",
    "handler",
]
