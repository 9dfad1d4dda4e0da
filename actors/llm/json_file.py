"""JSON files of a checkpoint: each holds one object."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .errors import ModelFormatError

if TYPE_CHECKING:
    from pathlib import Path


def read_object(path: Path) -> dict[str, Any]:
    """Read a JSON object; a file that is not there is an empty one.

    Raises:
        ModelFormatError: The file is not JSON, or something else than an object.
    """
    if not path.is_file():
        return {}
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ModelFormatError(path, reason=str(error)) from error
    if not isinstance(data, dict):
        raise ModelFormatError(path, reason="it is no JSON object")
    return data
