"""Who saw what, worked out from tick records alone: the tables of Oracle R.

It shares no code with board, layouts and engine: it knows what a layout is from the words of the
paper (arXiv 2504.06261) and keeps plain lists.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from passel.protocols.cache import TickRecord


@dataclass
class Witness:
    """Collects all processed tokens with the distances at which they saw each other."""

    layout: str
    workers: Sequence[str]
    tokens: list[int] = field(default_factory=list)
    seen: list[dict[int, int]] = field(default_factory=list)
    flat: dict[int, list[int]] = field(default_factory=dict)
    blocks: dict[str, list[int]] = field(default_factory=dict)
    past: list[str] = field(default_factory=list)
    now: dict[str, str] = field(default_factory=dict)
    steps: int = 0

    def prefill(self, name: str, ids: Sequence[int], before: Sequence[str]) -> None:
        """Take a prompt or marker that was computed behind `before`."""
        new = self._write(name, ids)
        self._look([*before, name], new)

    def tick(self, record: TickRecord) -> list[int]:
        """Take a tick; return the numbers of the last token of every row, rows in order."""
        rows: list[tuple[str, str, list[int], bool]] = []
        for fed in record.fed:
            old = self.now.get(fed.worker)
            if self.layout == "contiguous":
                name = f"space of {fed.worker}"
                self.now[fed.worker] = name
                rows.append((fed.worker, name, [*fed.closing, *fed.tokens], False))
                continue
            ended = fed.begins or not fed.tokens
            if old is not None and ended:
                rows.append((fed.worker, old, list(fed.closing), True))
                self.past.append(old)
                del self.now[fed.worker]
            if fed.begins:
                self.steps += 1
                self.now[fed.worker] = f"step {self.steps}"
            if fed.tokens:
                rows.append((fed.worker, self.now[fed.worker], list(fed.tokens), False))
        written = [
            (w, name, self._write(name, ids), closes) for w, name, ids, closes in rows if ids
        ]
        for worker, name, new, closes in written:
            self._look(self._view(worker, name, closing=closes), new)
        return [new[-1] for _, _, new, _ in written]

    def tables(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return ids, distances and mask of all tokens."""
        count = len(self.tokens)
        distance = torch.zeros((count, count), dtype=torch.int64)
        mask = torch.zeros((count, count), dtype=torch.bool)
        for i, row in enumerate(self.seen):
            for j, far in row.items():
                distance[i, j], mask[i, j] = far, True
        return torch.tensor(self.tokens), distance, mask

    def _write(self, name: str, ids: Sequence[int]) -> list[int]:
        new = list(range(len(self.tokens), len(self.tokens) + len(ids)))
        self.tokens += ids
        self.seen += [{} for _ in ids]
        self.blocks.setdefault(name, []).extend(new)
        return new

    def _view(self, worker: str, own: str, *, closing: bool) -> list[str]:
        others = [self.now[w] for w in self.workers if w != worker and w in self.now]
        if self.layout == "contiguous":
            return ["prompt", *others, f"own/{worker}", own]
        past = [name for name in self.past if not (closing and name == own)]
        return ["prompt", *past, "others", *others, f"own/{worker}", own]

    def _look(self, view: Sequence[str], new: Sequence[int]) -> None:
        line = [number for name in view for number in self.blocks.get(name, [])]
        place = {number: at for at, number in enumerate(line)}
        for i in new:
            self.seen[i] = {j: place[i] - at for j, at in place.items() if at <= place[i]}
            self.flat[i] = [j for j in line if place[j] <= place[i]]


def linear_tables(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return distances and mask of an ordinary causal text of `count` tokens."""
    places = torch.arange(count)
    distance = places[:, None] - places[None]
    return distance, distance >= 0
