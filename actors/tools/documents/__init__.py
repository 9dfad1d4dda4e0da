"""Search in the user's own documents."""

from __future__ import annotations

from .index import DocumentIndex
from .records import Hit, IndexProgress
from .search import DocumentSearch

__all__ = ["DocumentIndex", "DocumentSearch", "Hit", "IndexProgress"]
