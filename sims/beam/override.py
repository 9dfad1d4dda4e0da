"""The configuration of one trial: the user's scenario, and what differs from it."""

from __future__ import annotations

import json
import os
import secrets
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from .errors import BeamSetupError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ...protocols.trial import TrialId

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


def write_override(scenario: Path, trial: TrialId, values: Mapping[str, Value]) -> Path:
    """Write a trial's configuration into the folder of its scenario; return where it is.

    BEAM takes the folder of the file that it is given as its input directory, so it lies there;
    whoever writes it removes it.

    Raises:
        BeamSetupError: The folder cannot be written to.
    """
    path = scenario.parent / f"passel-{file_name(trial)}-{secrets.token_hex(4)}.conf"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(override_text(scenario.name, values))
    except OSError as error:
        path.unlink(missing_ok=True)
        reason = (
            f"cannot be written to ({error.strerror}); BEAM reads each trial's configuration from "
            "there: give this user the right, or copy the scenario"
        )
        raise BeamSetupError(f"the scenario's folder {scenario.parent}", reason=reason) from None
    return path
