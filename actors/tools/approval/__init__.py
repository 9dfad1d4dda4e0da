"""Tools that are called only after somebody has said so."""

from __future__ import annotations

from .approval import Approval
from .records import ApprovalRequest, ApprovalState, Verdict

__all__ = ["Approval", "ApprovalRequest", "ApprovalState", "Verdict"]
