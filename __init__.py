"""Passel: an asynchronous, actor-based multi-agent runtime over ZeroMQ.

The names below are imported at their first use. So `import passel` costs nothing, and the `passel`
command has its signal handlers before the libraries load: a Ctrl-C that strikes while msgspec makes a
decoder ends the process with a segmentation fault instead of an exit code.
"""

from __future__ import annotations

TYPE_CHECKING = False  # what checkers read; `typing` itself takes a while to import
if TYPE_CHECKING:
    from .actors import Actor, ActorRef, Context, Pool, Topic, handler
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
    "Pool",
    "RemoteError",
    "Runtime",
    "SpawnError",
    "Topic",
    "handler",
]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'passel' has no attribute {name!r}")
    from importlib import import_module

    for part in ("actors", "protocols.errors", "runtime"):
        found = getattr(import_module(f".{part}", __name__), name, None)
        if found is not None:
            globals()[name] = found
            return found
    raise AssertionError(f"{name} is in no part of the package")


def __dir__() -> list[str]:
    return __all__
