"""Runs a whole runtime in one process, in virtual time and under seeded faults."""

from __future__ import annotations
