"""Discrete choice: how likely, and which, people choose among alternatives."""

from __future__ import annotations

from .logit import drawn, expected_shares, gumbel, probabilities

__all__ = ["drawn", "expected_shares", "gumbel", "probabilities"]
