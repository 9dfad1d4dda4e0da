"""Programs beside a node: run, watched over, and ended with all that they have started."""

from __future__ import annotations

from .command_words import CommandWords
from .environment import INHERITED, environment_of
from .errors import InvalidCommandError
from .last_lines import LastLines
from .program import Program
from .running import Finished, run_command
from .ward import Ended, Ward, warden_words

__all__ = [
    "INHERITED",
    "CommandWords",
    "Ended",
    "Finished",
    "InvalidCommandError",
    "LastLines",
    "Program",
    "Ward",
    "environment_of",
    "run_command",
    "warden_words",
]
