"""The table of who could choose what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ...protocols.trial import Availability
from .errors import BeamTableError
from .keys import FREIGHT
from .rows import fields_of, numbers_of, whole_lines

if TYPE_CHECKING:
    from pathlib import Path

_HEADER: Final = ["modeChosen", "alternativesAvailable", "numberOfTimes"]
_NONE: Final = frozenset({"", "null", "na"})


def read_alternatives(path: str | Path) -> tuple[Availability, ...]:
    """Return the sets of modes that trips could choose from, the most frequent first.

    The file is `ITERS/it.N/N.modeChosenAvailableAlternativesCount.csv` of any run that has ended.
    What was chosen counts as available. Within a tour BEAM lists only what the tour's mode allows,
    so later trips look as if they had less choice than their tour had.

    Raises:
        BeamTableError: There is no such file, or it is another one.
    """
    try:
        with open(path, "rb") as file:
            content = file.read()
    except OSError as error:
        raise BeamTableError(path, reason=error.strerror or str(error)) from None
    name = str(path)
    header, *lines = whole_lines(content) or [b""]
    if fields_of(name, header, 1) != _HEADER:
        raise BeamTableError(name, line=1, reason=f"it should be {', '.join(_HEADER)}")
    if not content.endswith(b"\n"):
        raise BeamTableError(name, line=len(lines) + 2, reason="it is cut off here")
    times: dict[tuple[str, ...], float] = {}
    for number, line in enumerate(lines, 2):
        fields = fields_of(name, line, number)
        if len(fields) != len(_HEADER):
            reason = f"{len(fields)} fields, where the header has {len(_HEADER)}"
            raise BeamTableError(name, line=number, reason=reason)
        chosen, listed, _ = (field.lower() for field in fields)
        modes = ({chosen} | set(listed.split(":"))) - _NONE - {FREIGHT}
        if modes:
            pattern = tuple(sorted(modes))
            times[pattern] = times.get(pattern, 0.0) + numbers_of(name, fields[2:], number)[0]
    return tuple(
        Availability(alternatives=modes, weight=weight)
        for modes, weight in sorted(times.items(), key=lambda item: (-item[1], item[0]))
    )
