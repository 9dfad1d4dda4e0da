"""What people can choose from, and how good each alternative is to each of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from .errors import ChoiceTableError
from .logit import Booleans, Floats, expected_shares

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ChoiceTable:
    """People, alternatives, and utilities without constants.

    Attributes:
        alternatives: Names of the alternatives.
        utilities: How good each is to each, constants left out: (people, alternatives). Where one is
            not available its utility is not looked at.
        available: Whether each can choose it: (people, alternatives).
        weights: How many people each row stands for: (people,).

    Raises:
        ChoiceTableError: Shapes do not fit, somebody has nothing to choose from, or a number is none.
    """

    alternatives: tuple[str, ...]
    utilities: Floats
    available: Booleans
    weights: Floats

    def __post_init__(self) -> None:
        wanted = (len(self.weights), len(self.alternatives))
        for name, shape in (
            ("utilities", self.utilities.shape),
            ("available", self.available.shape),
        ):
            if shape != wanted:
                raise ChoiceTableError(f"`{name}` is {shape}; weights and names want {wanted}")
        if not self.available.any(axis=1).all():
            row = int(np.argmin(self.available.any(axis=1)))
            raise ChoiceTableError(f"row {row} has nothing to choose from")
        if not np.isfinite(self.utilities[self.available]).all():
            raise ChoiceTableError(
                "an available alternative has a utility that is no finite number"
            )
        if not (np.isfinite(self.weights).all() and (self.weights > 0).all()):
            raise ChoiceTableError("weights have to be positive numbers")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` has written.

        Raises:
            OSError: The file cannot be read.
            KeyError: It is no table.
        """
        with np.load(path) as arrays:
            names = tuple(arrays["alternatives"].tolist())
            rest = {name: arrays[name] for name in ("utilities", "available", "weights")}
        return cls(alternatives=names, **rest)

    def save(self, path: Path) -> None:
        """Write an npz file, which a simulator in another process can read."""
        np.savez_compressed(
            path,
            alternatives=np.array(self.alternatives),
            utilities=self.utilities,
            available=self.available,
            weights=self.weights,
        )

    def shares(self, constants: Mapping[str, float]) -> dict[str, float]:
        """Return the expected share of each alternative, of 1, under some constants, by name."""
        added = np.array([constants[name] for name in self.alternatives])
        utilities = np.where(self.available, self.utilities + added, -np.inf)
        shares = expected_shares(utilities, self.weights)
        return dict(zip(self.alternatives, shares.tolist(), strict=True))
