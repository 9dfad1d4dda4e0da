"""The pure cores of the shared cache: whose turn it is, what stands where, what was written."""

from __future__ import annotations

from .board import Board, Feed, Writing
from .errors import (
    CacheError,
    EmptyCompletionError,
    InvalidAnswerError,
    InvalidRuleError,
    InvalidSessionError,
    UnknownRuleError,
    UnknownSessionError,
)
from .layout import LAYOUTS, Layout, Standing
from .rules import Rule, RuleType
from .ticks import TickCore

__all__ = [
    "LAYOUTS",
    "Board",
    "CacheError",
    "EmptyCompletionError",
    "Feed",
    "InvalidAnswerError",
    "InvalidRuleError",
    "InvalidSessionError",
    "Layout",
    "Rule",
    "RuleType",
    "Standing",
    "TickCore",
    "UnknownRuleError",
    "UnknownSessionError",
    "Writing",
]
