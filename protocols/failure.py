"""Errors on the wire: what a Failure's body says, and the error that is raised from it."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any

import msgspec

from .errors import (
    CallCycleError,
    CodecError,
    DeadActorError,
    DeadlineError,
    DroppedError,
    JournalError,
    KeysFullError,
    MailboxFullError,
    NodeDeadError,
    NotAHandlerError,
    PasselError,
    RemoteError,
    RestartedError,
    SpawnError,
)
from .tracebacks import below_runtime, encodable_text

if TYPE_CHECKING:
    from collections.abc import Callable

_MAX_TEXT = 16_384
_encoder = msgspec.msgpack.Encoder()


class Failed(msgspec.Struct, array_like=True):
    """Why a request failed.

    Attributes:
        code: Name of the rule below that rebuilds the error.
        facts: What its constructor is given, or the declared error's `args`.
        type_name: Qualified name of the error's class.
        message: Its text.
        remote_traceback: The traceback on the actor's side; empty for the runtime's own refusals.
        state: The declared error's own attributes, as plain values.
    """

    code: str
    facts: list[Any] = []
    type_name: str = ""
    message: str = ""
    remote_traceback: str = ""
    state: dict[str, Any] = {}


def failed_by(error: BaseException, declared: tuple[type[BaseException], ...] = ()) -> Failed:
    """Return the record of an error that a handler raised.

    An error of a class in `declared` (the handler's `raises`) keeps its class by name.
    """
    kind = type(error)
    record = Failed(
        "remote",
        [],
        f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins."),
        encodable_text(str, error)[:_MAX_TEXT],
        _traceback_of(error)[-_MAX_TEXT:],
    )
    if isinstance(error, declared):
        record.code = "declared"
        record.facts = [_plain(fact) for fact in _facts_of(error)]
        own = {name: value for name, value in vars(error).items() if not name.startswith("_")}
        record.state = {name: _plain(value) for name, value in own.items()}
    return record


def refusal(error: PasselError) -> Failed:
    """Return the record of the runtime's own refusal of a request."""
    if isinstance(error, NodeDeadError):
        facts = [str(error.address), error.node, error.exit_code, error.signal]
        return Failed("node", [*facts, list(error.stderr_tail), error.note])
    if isinstance(error, DeadActorError):
        return Failed("dead", [str(error.address), error.reason])
    if isinstance(error, RestartedError):
        return Failed("restarted", [str(error.address)])
    if isinstance(error, CallCycleError):
        return Failed("cycle", [str(error.address), list(error.chain)])
    if isinstance(error, NotAHandlerError):
        return Failed("handler", [error.actor, error.method, list(error.known)])
    if isinstance(error, MailboxFullError):
        return Failed("full", [str(error.address), error.capacity])
    if isinstance(error, DroppedError):
        return Failed("dropped", [str(error.address), error.capacity])
    if isinstance(error, KeysFullError):
        return Failed("keys", [str(error.address), error.capacity])
    if isinstance(error, DeadlineError):
        return Failed("deadline", [error.what, error.timeout, error.waiting_for])
    if isinstance(error, JournalError):
        return Failed("journal", [error.path, error.reason, error.remedy])
    if isinstance(error, CodecError):
        return Failed("codec", [error.what, error.detail])
    return Failed("codec", ["request", str(error)])


def error_of(
    failed: Failed, address: str, declared: tuple[type[BaseException], ...] = ()
) -> BaseException:
    """Return the error to raise at the caller for a failure that came from `address`."""
    if failed.code == "declared":
        rebuilt = _rebuild(failed, declared)
        if rebuilt is not None:
            return rebuilt
    rules: dict[str, Callable[..., PasselError]] = {
        "node": _node_dead,
        "dead": DeadActorError,
        "restarted": RestartedError,
        "cycle": CallCycleError,
        "handler": NotAHandlerError,
        "full": MailboxFullError,
        "keys": KeysFullError,
        "dropped": DroppedError,
        "deadline": DeadlineError,
        "journal": JournalError,
        "codec": CodecError,
    }
    rule = rules.get(failed.code)
    if rule is not None:
        try:
            return rule(*failed.facts)
        except (TypeError, ValueError):
            return CodecError("failure", f"malformed facts for {failed.code}: {failed.facts}")
    return RemoteError(address, failed.type_name, failed.message, failed.remote_traceback)


def _node_dead(
    address: str, node: str, exit_code: int | None, signal: str | None, tail: list[str], note: str
) -> NodeDeadError:
    return NodeDeadError(
        address, node, exit_code=exit_code, signal=signal, stderr_tail=tuple(tail), note=note
    )


def _rebuild(failed: Failed, declared: tuple[type[BaseException], ...]) -> BaseException | None:
    """Return the declared error again, without running a constructor of its author's."""
    name = failed.type_name.rpartition(".")[2]
    for kind in declared:
        for candidate in (kind, *_subclasses(kind)):
            if candidate.__qualname__.rpartition(".")[2] == name:
                builtin = next(c for c in candidate.__mro__ if c.__module__ == "builtins")
                try:
                    error: BaseException = builtin.__new__(candidate, *failed.facts)
                    builtin.__init__(error, *failed.facts)  # type: ignore[misc]  # not its own
                except (TypeError, ValueError):
                    return None
                vars(error).update(failed.state)
                if isinstance(error, SpawnError):
                    error.remote_traceback = failed.remote_traceback
                if failed.remote_traceback:
                    error.add_note(f"\nTraceback at the actor:\n{failed.remote_traceback}")
                return error
    return None


def _traceback_of(error: BaseException) -> str:
    """Return the traceback of an error as text.

    Of a failed start it is that of the actor's own code, else that of the code that asked for the
    start; empty when this is the runtime's own refusal of a request.
    """
    if isinstance(error, SpawnError):
        if error.__cause__ is not None:
            error = error.__cause__
        elif error.remote_traceback:
            return error.remote_traceback
        else:
            trace = below_runtime(error.__traceback__)
            if trace is None:
                return ""
            return encodable_text("".join, traceback.format_exception(type(error), error, trace))
    return encodable_text("".join, traceback.format_exception(error))


def _subclasses(kind: type[BaseException]) -> list[type[BaseException]]:
    found = list(kind.__subclasses__())
    for child in kind.__subclasses__():
        found.extend(_subclasses(child))
    return found


def _facts_of(error: BaseException) -> tuple[Any, ...]:
    """Return what rebuilds a declared error; an OSError's `args` alone lack its file names."""
    if isinstance(error, OSError):
        return tuple(OSError.__reduce__(error)[1])
    return error.args


def _plain(fact: object) -> object:
    """Return a fact as it may travel: itself when MessagePack takes it and it is short."""
    try:
        encoded = _encoder.encode(fact)
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError):
        return encodable_text(repr, fact)[:_MAX_TEXT]
    return (
        msgspec.Raw(encoded)
        if len(encoded) <= _MAX_TEXT
        else encodable_text(repr, fact)[:_MAX_TEXT]
    )
