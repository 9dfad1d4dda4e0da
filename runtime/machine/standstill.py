"""Tells from /proc whether a process of this host is stopped, and whether it ran meanwhile."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc/self/status")
"""There where the system tells."""

_STOPPED: Final = b"\nState:\tT (stopped)\n"
"""As proc_pid_status(5) says it of all threads at once. One that a debugger holds is `t`, and may run."""

_SWITCHES: Final = re.compile(rb"^(?:non)?voluntary_ctxt_switches:\t(\d+)$", re.MULTILINE)


def standstill_of(pid: int) -> int | None:
    """Return which standstill a process is in, stopped by a signal; None when it is in none.

    The number is how often its first thread has been switched to: whoever was continued, and
    stopped again at once, has another. A process that is gone, or of which the system does not
    tell, is in none.
    """
    try:
        facts = Path(f"/proc/{pid}/status").read_bytes()
    except OSError:
        return None
    if _STOPPED not in facts:
        return None
    switches = _SWITCHES.findall(facts)
    return sum(map(int, switches)) if switches else None
