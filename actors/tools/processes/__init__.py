"""Programs as tools, each in processes that end with their call."""

from __future__ import annotations

from .command_tools import Command, CommandParameter, CommandTools

__all__ = ["Command", "CommandParameter", "CommandTools"]
