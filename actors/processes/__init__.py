"""Programs beside a node: run, watched over, and ended with all that they have started."""

from __future__ import annotations

from .running import Finished, run_command
from .ward import Ended, Ward, warden_words

__all__ = ["Ended", "Finished", "Ward", "run_command", "warden_words"]
