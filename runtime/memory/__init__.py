"""Shared memory between the nodes of one host: segments, slots, lanes."""

from .heap import HeapSegments
from .lane import Lane
from .memory import NodeMemory
from .segments import SegmentFolder, SegmentStore, SharedFolder

__all__ = ["HeapSegments", "Lane", "NodeMemory", "SegmentFolder", "SegmentStore", "SharedFolder"]
