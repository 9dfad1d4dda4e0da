"""Reports of calibrations as pages that stand alone."""

from __future__ import annotations

from .page import page_of

__all__ = ["page_of"]
