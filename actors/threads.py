"""How the threads of OpenMP wait, where several processes share the cores."""

from __future__ import annotations

import os
from typing import Final

SHARED_CORES: Final = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "30000"}
"""Environment for processes that compute with torch beside others.

A thread that waits at a barrier spins for some tens of microseconds, which is about what the
next small product takes to come, and then sleeps. GNU's default spins for milliseconds and takes
the core from whoever would end the wait; passive waiting alone sleeps at every barrier.
"""


def share_cores() -> None:
    """Set the variables in this process, unless its user did; of use only before torch loads."""
    for name, value in SHARED_CORES.items():
        os.environ.setdefault(name, value)
