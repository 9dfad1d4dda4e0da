"""Every error that Passel raises, in one shallow tree.

PasselError
├── ProtocolError           bytes or frames from a peer that break the protocol
│   ├── CodecError          a value that cannot be encoded or decoded
│   ├── LimitError          a frame, count or depth beyond the agreed limit
│   └── HandshakeError      a peer of another version, or with other handler signatures
├── ActorError              something about one actor
│   ├── DeadActorError      the actor has stopped, or never was
│   │   └── NodeDeadError   ... because its node's process ended
│   ├── RestartedError      the actor was restarted while it handled the request
│   ├── EscalatedError      an actor or group could not be helped where it is supervised
│   ├── DeadlineError       the answer did not come in time (also a TimeoutError)
│   ├── MailboxFullError    the mailbox has no place, and the caller did not want to wait
│   ├── SlowSubscriberError a subscriber was further behind than its topic allows
│   ├── DroppedError        a newer request took its place in the mailbox
│   ├── KeysFullError       the actor remembers as many idempotency keys as it can
│   ├── CallCycleError      an ask that came back to a busy actor of its own chain
│   ├── NotAHandlerError    the method exists, or not, but may not be called from outside
│   └── RemoteError         a handler raised; carries the remote traceback as text
├── SpawnError              an actor or node that could not be started
│   ├── NameTakenError      the name belongs to a living actor or node
│   ├── ClassLoadError      the class path names nothing that may be loaded
│   └── InsecurePathError   a folder that somebody else could tamper with
├── StateError              durable state that cannot be gone on from
│   ├── StateExistsError    an earlier run left some, and nobody said what to do with it
│   ├── StateLockedError    another runtime works with it
│   ├── StaleEpochError     a later incarnation of the actor has taken over its journal
│   └── JournalError        a journal that cannot be read or written
│       └── CorruptJournalError  ... because it was damaged
├── SharedMemoryError       an array that could not be put into shared memory
└── RuntimeClosedError      the runtime or node was closed by its owner
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from .address import Address


_LINES_QUOTED = 5
"""How many of a dead node's last lines its error quotes; the attribute has more."""


class PasselError(Exception):
    """The root of every error that Passel raises."""


class ProtocolError(PasselError):
    """Raised when a peer's bytes or frames break the wire protocol."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class CodecError(ProtocolError):
    """Raised when a value cannot be encoded, or bytes do not decode to the hinted type."""

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(f"{what}: {reason}")
        self.what = what
        self.detail = reason


class LimitError(ProtocolError):
    """Raised when a size, count or depth is beyond what the protocol allows."""

    def __init__(self, what: str, value: int, limit: int) -> None:
        super().__init__(f"{what} is {value}, the limit is {limit}")
        self.what = what
        self.value = value
        self.limit = limit


class HandshakeError(ProtocolError):
    """Raised when two nodes cannot work together: unlike versions or handler signatures."""

    def __init__(self, node: str, reason: str) -> None:
        super().__init__(f"node {node} cannot join: {reason}")
        self.node = node


class ActorError(PasselError):
    """The root of errors that concern one actor."""


class DeadActorError(ActorError):
    """Raised when a message is addressed to an actor that has stopped or never was."""

    def __init__(self, address: Address | str, reason: str) -> None:
        super().__init__(f"actor {address} is not there: {reason}")
        self.address = address
        self.reason = reason

    def about(self, address: Address | str) -> DeadActorError:
        """Return the same error about another actor, which died of the same cause."""
        return DeadActorError(address, self.reason)


_HINTS = {"SIGSEGV": ", as writing in place to a received tensor ends a process: copy it before"}


class NodeDeadError(DeadActorError):
    """Raised when the process of an actor's node has ended.

    Attributes:
        node: Name of the node.
        exit_code: The exit status, or None when a signal ended it or it is unknown.
        signal: Name of the signal that ended it, such as `SIGKILL`, or None.
        stderr_tail: The last lines that the process wrote to its standard error.
        possibly_lost: How many tells to the node, of all its senders on this node, were not known
            to have been handled.
        note: What else was seen: for how long the node was silent before it was declared dead,
            or how many processes the kernel killed because memory had run out.
    """

    def __init__(
        self,
        address: Address | str,
        node: str,
        *,
        exit_code: int | None = None,
        signal: str | None = None,
        stderr_tail: Sequence[str] = (),
        note: str = "",
        possibly_lost: int = 0,
    ) -> None:
        if signal is not None:
            how = f"ended by {signal}{_HINTS.get(signal, '')}"
        elif exit_code is not None:
            how = f"exit code {exit_code}"
        else:
            how = "" if note else "cause unknown"
        how = "; ".join(part for part in (how, note) if part)
        lines = "".join(f"\n    {line}" for line in stderr_tail[-_LINES_QUOTED:])
        said = f"; its last lines:{lines}" if lines else ""
        lost = f"; {possibly_lost} tells to it may be lost" if possibly_lost else ""
        super().__init__(address, f"node {node} has died ({how}){lost}{said}")
        self.node = node
        self.exit_code = exit_code
        self.signal = signal
        self.stderr_tail = tuple(stderr_tail)
        self.note = note
        self.possibly_lost = possibly_lost

    def about(self, address: Address | str) -> NodeDeadError:
        """Return the same error about another actor of the node."""
        return self._copy(address, self.possibly_lost)

    def losing(self, tells: int) -> NodeDeadError:
        """Return the same error with the number of tells that may be lost."""
        return self._copy(self.address, tells)

    def _copy(self, address: Address | str, possibly_lost: int) -> NodeDeadError:
        return NodeDeadError(
            address,
            self.node,
            exit_code=self.exit_code,
            signal=self.signal,
            stderr_tail=self.stderr_tail,
            note=self.note,
            possibly_lost=possibly_lost,
        )


class RestartedError(ActorError):
    """Raised at the caller when supervision restarted the actor while it handled the request.

    The request is not handled again: ask anew if that does no harm.
    """

    def __init__(self, address: Address | str) -> None:
        super().__init__(
            f"actor {address} was restarted while it handled this; ask again if that is safe"
        )
        self.address = address


class EscalatedError(ActorError):
    """Given to whoever is above an actor or group that failed and could not be helped there.

    A parent gets it as a failure of its own. At the root it ends the runtime.
    """

    def __init__(self, source: Address | str, reason: str) -> None:
        super().__init__(f"{source} escalated its failure: {reason}")
        self.source = source
        self.reason = reason


class DeadlineError(ActorError, TimeoutError):
    """Raised when an ask, awaited tell, spawn or stop did not end by its deadline."""

    def __init__(self, what: str, timeout: float, waiting_for: str = "an answer") -> None:
        super().__init__(f"{what} waited {timeout:.3g} s for {waiting_for}")
        self.what = what
        self.timeout = timeout
        self.waiting_for = waiting_for


class MailboxFullError(ActorError):
    """Raised when a mailbox has no place left and the caller did not want to wait."""

    def __init__(self, address: Address | str, capacity: int) -> None:
        super().__init__(
            f"the mailbox of {address} is full (capacity {capacity}); "
            "await the tell to wait for a place"
        )
        self.address = address
        self.capacity = capacity


class SlowSubscriberError(ActorError):
    """Raised in a subscriber that is further behind than its topic allows."""

    def __init__(self, capacity: int) -> None:
        super().__init__(
            f"this subscriber was more than {capacity} items behind; "
            'read faster, or subscribe with a larger capacity or slow="drop_oldest"'
        )
        self.capacity = capacity


class DroppedError(ActorError):
    """Raised at the caller when newer requests took the place of its own in the mailbox."""

    def __init__(self, address: Address | str, capacity: int) -> None:
        super().__init__(
            f"dropped from the mailbox of {address}: it keeps the latest {capacity} messages, and "
            "newer ones came"
        )
        self.address = address
        self.capacity = capacity


class KeysFullError(ActorError):
    """Raised when a request has a new idempotency key, and its actor has no room to remember it."""

    def __init__(self, address: Address | str, capacity: int) -> None:
        super().__init__(
            f"{address} remembers {capacity} keys whose callers have no answer yet, and takes no "
            "new one; call again with the old keys, or without one"
        )
        self.address = address
        self.capacity = capacity


class CallCycleError(ActorError):
    """Raised when an ask returns to an actor that is busy with the same chain of asks."""

    def __init__(self, address: Address | str, chain: Sequence[str]) -> None:
        route = " -> ".join((*chain, str(address)))
        super().__init__(
            f"an ask came back to {address}, which waits for it: {route}; "
            "declare the handler concurrent, or tell instead of ask"
        )
        self.address = address
        self.chain = tuple(chain)


class NotAHandlerError(ActorError):
    """Raised when a method is called through a reference but is no handler."""

    def __init__(self, actor: str, method: str, known: Sequence[str] = ()) -> None:
        hint = f" (it has: {', '.join(sorted(known))})" if known else ""
        super().__init__(
            f"{actor}.{method} is not a handler{hint}; decorate the method with @handler"
        )
        self.actor = actor
        self.method = method
        self.known = tuple(known)


class RemoteError(ActorError):
    """Raised at the caller when a handler raised an error that it does not declare.

    Attributes:
        address: The actor whose handler raised.
        type_name: Qualified name of the class of the error.
        message: Its text.
        remote_traceback: The traceback on the actor's side, as text.
    """

    def __init__(self, address: str, type_name: str, message: str, remote_traceback: str) -> None:
        super().__init__(f"{address} raised {type_name}: {message}")
        self.address = address
        self.type_name = type_name
        self.message = message
        self.remote_traceback = remote_traceback
        if remote_traceback:
            self.add_note(f"\nTraceback at {address}:\n{remote_traceback}")


class SpawnError(PasselError):
    """Raised when an actor or a node could not be started.

    An error of the actor's own code is its `__cause__` if that ran on this node.

    Attributes:
        what: What was to be started.
        reason: Why it was not.
        remote_traceback: The traceback of such code on another node, as text; else empty.
    """

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(f"{what} could not be started: {reason}")
        self.what = what
        self.reason = reason
        self.remote_traceback = ""


class NameTakenError(SpawnError):
    """Raised when a name already belongs to a living actor or node."""

    def __init__(self, name: str, holder: str) -> None:
        super().__init__(name, f"the name is taken by {holder}; stop that first or choose another")
        self.name = name


class ClassLoadError(SpawnError):
    """Raised when a class path does not name an actor class that may be loaded."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"class {path}", reason)
        self.path = path


class StateError(PasselError):
    """The root of errors that concern what durable actors keep."""


class StateExistsError(StateError):
    """Raised when a runtime finds the state of an earlier run and was not told what to do."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"{path} holds the durable state of an earlier run: --resume (resume=True) goes on from "
            "it, --discard-state (discard_state=True) starts anew and loses it, --state DIR "
            "(state=DIR) leaves it alone and keeps this run's elsewhere"
        )
        self.path = path


class StateLockedError(StateError):
    """Raised when another runtime works with the same state directory."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"another runtime works with the state in {path}; stop it first (passel ps), "
            "or choose another directory with --state (state=...)"
        )
        self.path = path


class StaleEpochError(StateError):
    """Raised when an incarnation of an actor writes to a journal that a later one has opened."""

    def __init__(self, actor: str, epoch: int, latest: int) -> None:
        super().__init__(
            f"journal of {actor}: incarnation {epoch} was refused, {latest} has taken over"
        )
        self.actor = actor
        self.epoch = epoch
        self.latest = latest


class JournalError(StateError):
    """Raised when the journal of a durable actor cannot be read or written.

    Attributes:
        path: The file.
        reason: What went wrong.
        remedy: What mends it.
    """

    def __init__(self, path: str, reason: str, remedy: str) -> None:
        super().__init__(f"journal {path}: {reason}; {remedy}")
        self.path = path
        self.reason = reason
        self.remedy = remedy


class CorruptJournalError(JournalError):
    """Raised when a journal was damaged; it is left as it was found."""


class SharedMemoryError(PasselError):
    """Raised when an array that is to be shared finds no place in shared memory."""

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(
            f"{what} cannot be shared: {reason}; drop arrays that are shared already, "
            "or give the runtime a larger `shared_memory`"
        )
        self.what = what
        self.reason = reason


class InsecurePathError(SpawnError):
    """Raised when a folder for sockets and secrets is one that somebody else could tamper with."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"run directory {path}", reason)
        self.path = path


class RuntimeClosedError(PasselError):
    """Raised when a runtime or node is used after it was closed."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is closed")
        self.what = what
