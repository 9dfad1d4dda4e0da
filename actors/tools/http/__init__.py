"""Pages from the web, from hosts that were named."""

from __future__ import annotations

from .http_get import HttpGet

__all__ = ["HttpGet"]
