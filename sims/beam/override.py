"""The configuration of one trial: the user's scenario, and what differs from it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import secrets
import socket
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from .errors import BeamSetupError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ...protocols.trial import TrialId

_PREFIX: Final = "passel-"
_ENDING: Final = ".conf"
_PLAIN: Final = str.maketrans("%~", "__")

Value = bool | int | float | str
"""What a key may be set to."""


def file_name(trial: TrialId) -> str:
    """Return a trial's name as one of letters, digits and `._-`, which leads into no other folder.

    Names that differ elsewhere only may become one: whoever makes files makes them anew.
    """
    return "trial-" + quote(trial, safe="").translate(_PLAIN)


def override_text(scenario: str, values: Mapping[str, Value]) -> str:
    """Return a configuration in HOCON that includes a scenario and sets some keys anew.

    Args:
        scenario: File name of the scenario's configuration, in the same folder.
        values: The keys, in order; in HOCON a later line wins.
    """
    lines = [f"include {json.dumps(scenario)}"]
    lines += [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    return "\n".join(lines) + "\n"


class Override:
    """A trial's configuration, in the folder of its scenario until it is removed.

    BEAM takes the folder of the file that it is given as its input directory, so it lies there. It
    is locked meanwhile: `sweep_overrides` knows by that whose writer was killed.

    Args:
        scenario: The scenario's configuration.
        trial: Whose it is.
        values: The keys that differ, in order.

    Attributes:
        path: Where it is.

    Raises:
        BeamSetupError: The folder cannot be written to.
    """

    def __init__(self, scenario: Path, trial: TrialId, values: Mapping[str, Value]) -> None:
        name = f"{_PREFIX}{socket.gethostname()}-{file_name(trial)}-{secrets.token_hex(4)}"
        self.path = scenario.parent / f"{name}{_ENDING}"
        unlocked = scenario.parent / f".{name}"
        try:
            self._file = open(unlocked, "x", encoding="utf-8")  # noqa: SIM115  # held until removed
            try:
                self._file.write(override_text(scenario.name, values))
                self._file.flush()
                with contextlib.suppress(OSError):  # some file systems have no locks
                    fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                unlocked.rename(self.path)
            except OSError:
                self._file.close()
                unlocked.unlink(missing_ok=True)
                raise
        except OSError as error:
            reason = (
                f"cannot be written to ({error.strerror}); BEAM reads each trial's configuration "
                "from there: give this user the right, or copy the scenario"
            )
            what = f"the scenario's folder {scenario.parent}"
            raise BeamSetupError(what, reason=reason) from None

    def remove(self) -> None:
        """Remove it; nobody reads it any more."""
        self.path.unlink(missing_ok=True)
        self._file.close()


def sweep_overrides(scenario: Path) -> None:
    """Remove the configurations that killed nodes of this host have left beside a scenario."""
    for path in scenario.parent.glob(f"{_PREFIX}{socket.gethostname()}-trial-*{_ENDING}"):
        with contextlib.suppress(OSError), open(path, "rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # raises where it is held
            path.unlink()
