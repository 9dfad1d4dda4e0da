"""Memory that nodes of one host share, of the host and of its cards: segments, slots, lanes."""

from .cards import Cards
from .copies import Copies
from .cuda import CudaCards
from .heap import HeapSegments
from .lane import Lane
from .memory import NodeMemory
from .node_cards import NodeCards
from .segments import SegmentFolder, SegmentStore, SharedFolder

__all__ = [
    "Cards",
    "Copies",
    "CudaCards",
    "HeapSegments",
    "Lane",
    "NodeCards",
    "NodeMemory",
    "SegmentFolder",
    "SegmentStore",
    "SharedFolder",
]
