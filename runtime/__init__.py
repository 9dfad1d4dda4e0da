"""Node, mailbox, transport, directory, supervision, launcher: what makes actors run."""

from __future__ import annotations

from .runtime import Runtime

__all__ = ["Runtime"]
