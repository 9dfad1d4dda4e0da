"""Discrete choice: how likely, and which, people choose among alternatives."""

from __future__ import annotations

from .errors import ChoiceTableError, UnknownConstantError
from .logit import drawn, expected_shares, gumbel, probabilities
from .patterns import patterns
from .simulator import ChoiceSimulator
from .table import ChoiceTable

__all__ = [
    "ChoiceSimulator",
    "ChoiceTable",
    "ChoiceTableError",
    "UnknownConstantError",
    "drawn",
    "expected_shares",
    "gumbel",
    "patterns",
    "probabilities",
]
