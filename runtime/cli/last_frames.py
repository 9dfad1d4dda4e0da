"""The end of a traceback's text, of a group's each member's: where to look first."""

from __future__ import annotations

import re
from typing import Final

_FRAMES: Final = 3
"""How many frames are shown, of each member of a group."""

_MEMBERS: Final = 3
"""How many members of a group are shown."""

_HEAD: Final = "Traceback (most recent call last):\n"
_ERROR: Final = re.compile(r"^(?=Traceback |  \+ Exception Group Traceback )", re.MULTILINE)
_MEMBER: Final = re.compile(r"^ +\+(?:-\+)?-+ (?:\d+|\.\.\.) -+\n", re.MULTILINE)
_MARGIN: Final = re.compile(r"^ +(?:\+-+$|\| ?)", re.MULTILINE)
_FRAME: Final = re.compile(r'^  File ".*\n(?:    .*\n)*', re.MULTILINE)


def last_frames(text: str, said: str) -> list[str]:
    """Return the last frames of a traceback as blocks of lines, of a chain those of its last error.

    What the error's text adds to what was `said` of it, such as notes, stands below the frames; the
    members of a group are told with all of theirs.
    """
    own, *members = _MEMBER.split(_ERROR.split(text)[-1])
    frames, words = _end_of(own)
    told = said.splitlines()
    new = [line for line in words[1:] if not any(before.startswith(line) for before in told)]
    blocks = frames + new
    shown = len(frames)
    for member in members[:_MEMBERS]:
        frames, words = _end_of(member)
        blocks.append("\n".join(frames + words))
        shown += len(frames)
    if text.count('  File "') > shown or len(members) > _MEMBERS:
        blocks.append("(more with --traceback)")
    return blocks


def _end_of(part: str) -> tuple[list[str], list[str]]:
    """Return the last frames of one error, and the lines of its words."""
    last = _MARGIN.sub("", f"{part}\n").rpartition(_HEAD)[2]
    frames = [frame.rstrip() for frame in _FRAME.findall(last)]
    return frames[-_FRAMES:], _FRAME.split(last)[-1].strip("\n").splitlines()
