"""Invariants that never hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passel.runtime.simulation import Invariants, Outcome

if TYPE_CHECKING:
    from passel import Runtime


class Never(Invariants):
    """Whatever happens, it is wrong."""

    async def after(self, runtime: Runtime, outcome: Outcome) -> None:
        """Fail."""
        raise AssertionError("never")
