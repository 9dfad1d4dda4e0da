"""Exact arithmetic in text, within bounds."""

from __future__ import annotations

from .calculator import calculator

__all__ = ["calculator"]
