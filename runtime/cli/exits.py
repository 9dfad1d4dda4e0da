"""Exit codes of the `passel` command.

| code | when |
|---|---|
| 0 | all went well |
| 1 | the program failed: `main` or a handler raised, an actor could not be started |
| 2 | the command line or the topology is wrong; nothing was started |
| 3 | no running runtime has the name, or several have; or no actor or node of it has |
| 130 | interrupted by Ctrl-C and stopped in order |
| 137 | killed by a second Ctrl-C or SIGTERM before the stop was over |
| 143 | ended by SIGTERM and stopped in order |

An interrupt counts until the stop is over, also when `main` has ended by then. In the first instant, while
Python starts and the package is imported, Ctrl-C ends the process as any other Python program: a shell
shows 130 for that too, and nothing has been started yet.
"""

from __future__ import annotations

from typing import Final

OK: Final = 0
FAILED: Final = 1
USAGE: Final = 2
NOT_FOUND: Final = 3
INTERRUPTED: Final = 130
KILLED: Final = 137
TERMINATED: Final = 143

TABLE: Final = """\
Exit codes: 0 all went well; 1 the program failed; 2 the command line or the topology is wrong;
3 no such runtime or actor, or several runtimes; 130 stopped by Ctrl-C; 143 stopped by SIGTERM; 137 killed by a second one.\
"""
