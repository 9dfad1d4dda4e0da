"""Durable actors: journals, and what is kept in them."""

from .store import Change, Journal, Record, RecordId, Store

__all__ = ["Change", "Journal", "Record", "RecordId", "Store"]
