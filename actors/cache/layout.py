"""What every worker sees, and in which order: lists of block names, own block last.

Hogwild! Inference (Rodionov et al., arXiv 2504.06261, section 3) calls these cache layouts. Nothing
here moves a key or a value: a block that changes its place in a view keeps its memory, and only
the offsets by which queries are rotated differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ...protocols.cache import BlockId, WorkerId

PROMPT = BlockId("prompt")
OTHERS = BlockId("others")


def own_marker(worker: WorkerId) -> BlockId:
    """Return the block of the marker that stands before `worker`'s own text."""
    return BlockId(f"own/{worker}")


def step_block(worker: WorkerId, step: int) -> BlockId:
    """Return the block of `worker`'s step number `step`, counted from 1."""
    return BlockId(f"{worker}/{step}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Which blocks the workers have at one moment.

    Attributes:
        history: Finished steps in the order of their commits.
        current: The block each worker writes, in the session's order; absent before its first.
    """

    history: Sequence[BlockId]
    current: Mapping[WorkerId, BlockId]


Marker = tuple[BlockId, tuple[BlockId, ...]]
"""A marker block and the blocks that stand before it in an empty view."""


class Layout(Protocol):
    """Orders blocks into views."""

    @property
    def moves_steps(self) -> bool:
        """Whether a finished step leaves its worker's block for the common history."""
        ...

    def view(self, worker: WorkerId, own: BlockId, standing: Standing) -> tuple[BlockId, ...]:
        """Return what `worker` sees while it writes `own`, which comes last."""
        ...

    def markers(self, workers: Sequence[WorkerId]) -> tuple[Marker, ...]:
        """Return the markers of a session, in the order in which they can be prefilled."""
        ...


def _others(worker: WorkerId, own: BlockId, standing: Standing) -> tuple[BlockId, ...]:
    return tuple(
        block for name, block in standing.current.items() if name != worker and block != own
    )


@dataclass(frozen=True, slots=True)
class Combined:
    """`[prompt, history, others marker, the others' current steps, own marker, own step]`.

    Unfinished steps are visible token by token, and finished ones become common history.
    """

    moves_steps: bool = True

    def view(self, worker: WorkerId, own: BlockId, standing: Standing) -> tuple[BlockId, ...]:
        """Return what `worker` sees while it writes `own`, which comes last."""
        history = (block for block in standing.history if block != own)
        others = _others(worker, own, standing)
        return (PROMPT, *history, OTHERS, *others, own_marker(worker), own)

    def markers(self, workers: Sequence[WorkerId]) -> tuple[Marker, ...]:
        """Return the markers of a session, in the order in which they can be prefilled."""
        own = ((own_marker(worker), (PROMPT, OTHERS)) for worker in workers)
        return ((OTHERS, (PROMPT,)), *own)


@dataclass(frozen=True, slots=True)
class Contiguous:
    """`[prompt, the others' workspaces, own marker, own workspace]`: workspaces never move."""

    moves_steps: bool = False

    def view(self, worker: WorkerId, own: BlockId, standing: Standing) -> tuple[BlockId, ...]:
        """Return what `worker` sees while it writes `own`, which comes last."""
        return (PROMPT, *_others(worker, own, standing), own_marker(worker), own)

    def markers(self, workers: Sequence[WorkerId]) -> tuple[Marker, ...]:
        """Return the markers of a session, in the order in which they can be prefilled."""
        return tuple((own_marker(worker), (PROMPT,)) for worker in workers)


LAYOUTS: Mapping[str, Layout] = {"combined": Combined(), "contiguous": Contiguous()}
"""The layouts by the names that a `SessionSpec` uses."""
