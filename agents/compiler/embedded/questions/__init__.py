"""Questions with the plans that are wanted for them, made by a seed."""

from __future__ import annotations

from .generator import SPLITS, Example, Split, examples, without

__all__ = ["SPLITS", "Example", "Split", "examples", "without"]
