"""Encryption between nodes, and who may connect."""

from .curve import CurveGuard
from .keys import KeyPair, keyed_endpoint, split_endpoint
from .roster import GUEST, Admission, Roster

__all__ = [
    "GUEST",
    "Admission",
    "CurveGuard",
    "KeyPair",
    "Roster",
    "keyed_endpoint",
    "split_endpoint",
]
