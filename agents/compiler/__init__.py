"""LLMCompiler: plans as task graphs, dispatched while they are still being written."""

from __future__ import annotations

from .dispatch import Dispatcher
from .reader import PlanReader
from .values import ArgumentError, read_arguments

__all__ = ["ArgumentError", "Dispatcher", "PlanReader", "read_arguments"]
