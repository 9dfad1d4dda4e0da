"""The multinomial logit model: utilities in, probabilities or choices out.

K. Train, Discrete Choice Methods with Simulation (2009), chapter 3; the largest of utilities with
Gumbel noise is a draw from it (section 3.1). An alternative that somebody cannot choose has the
utility minus infinity.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.floating[Any]]]
Booleans = np.ndarray[Any, np.dtype[np.bool_]]
Integers = np.ndarray[Any, np.dtype[np.integer[Any]]]

_TINY = 1e-30


def probabilities(utilities: Floats) -> Floats:
    """Return how likely each chooses what: (people, alternatives) to (people, alternatives)."""
    weights = np.exp(utilities - utilities.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def expected_shares(utilities: Floats, weights: Floats) -> Floats:
    """Return the share of each alternative, of 1, among people of some weight each."""
    return np.asarray(weights @ probabilities(utilities) / weights.sum())


def gumbel(generator: np.random.Generator, people: int, alternatives: int) -> Floats:
    """Draw standard Gumbel noise, in single precision: (people, alternatives)."""
    waits = generator.standard_exponential((people, alternatives), dtype=np.float32)
    return np.asarray(-np.log(np.maximum(waits, np.float32(_TINY))))


def drawn(utilities: Floats, noise: Floats) -> Integers:
    """Return which alternative each chooses under Gumbel noise: (people,)."""
    return np.asarray(np.argmax(utilities + noise, axis=1))
