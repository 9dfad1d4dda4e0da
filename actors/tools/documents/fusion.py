"""Several rankings into one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

T = TypeVar("T", bound="Hashable")

RANK_CONSTANT: Final = 60
"""How much the first places count over later ones; the value of the paper."""


def fused(rankings: Iterable[Sequence[T]]) -> list[tuple[T, float]]:
    """Return all that is ranked with its score, best first.

    Reciprocal rank fusion (Cormack, Clarke and Buettcher, SIGIR 2009): each ranking gives its
    entries 1 / (60 + rank). Scores of the rankings themselves need not be comparable. Equal ones
    keep the order of the earlier rankings.
    """
    scores: dict[T, float] = {}
    for ranking in rankings:
        for rank, entry in enumerate(ranking, start=1):
            scores[entry] = scores.get(entry, 0.0) + 1.0 / (RANK_CONSTANT + rank)
    return sorted(scores.items(), key=lambda item: -item[1])
