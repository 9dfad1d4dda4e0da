"""What users say must hold of their topology in every simulated run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..runtime import Runtime


@dataclass(frozen=True, slots=True)
class Outcome:
    """How main ended: with a value, or with an error."""

    value: Any = None
    error: BaseException | None = None


class Invariants:
    """What must hold of a topology; subclass it and name it in the topology's `simulate`.

    One object is made for each run. It stands outside the runtime: what it remembers outlives a leader
    that is killed. An `AssertionError` out of its methods is a violation: the run
    ends, and its seed is printed with the last events.
    """

    async def during(self, runtime: Runtime) -> None:
        """Use the topology while things go wrong, beside its main; ends when that has ended.

        After the leader was killed it is called anew, with the runtime that was started again.
        """

    async def after(self, runtime: Runtime, outcome: Outcome) -> None:
        """Look at the topology when nothing goes wrong any more and it has come to rest."""
