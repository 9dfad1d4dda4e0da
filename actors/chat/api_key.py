"""Keys to endpoints: read from where they are kept, and shown nowhere."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, ClassVar

import msgspec

from ...protocols.confidential import HIDDEN, Confidential
from .errors import ApiKeyError

if TYPE_CHECKING:
    from pathlib import Path

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class ApiKey(Confidential, msgspec.Struct, frozen=True):
    """What proves to an endpoint who asks; its text form leaves the secret out."""

    secrets: ClassVar[frozenset[str]] = frozenset({"value"})

    value: str

    @classmethod
    def from_environment(cls, name: str) -> ApiKey:
        """Return the key in an environment variable.

        Raises:
            ApiKeyError: It is not set, or holds no key.
        """
        source = f"the environment variable {name}"
        value = os.environ.get(name)
        if value is None:
            raise ApiKeyError(source, reason="it is not set in the process of the model's node")
        return cls(_sound(value, source))

    @classmethod
    def from_file(cls, path: Path) -> ApiKey:
        """Return the key in a file that only its owner may read.

        Raises:
            ApiKeyError: The file is not there, others may read it, or it holds no key.
        """
        source = f"the file {path}"
        try:
            with path.open() as file:
                mode = os.fstat(file.fileno()).st_mode
                if mode & _OTHERS:
                    reason = f"others may read it (mode {mode & 0o777:04o}); run chmod 600 on it"
                    raise ApiKeyError(source, reason=reason)
                return cls(_sound(file.read(1 << 16), source))
        except (OSError, UnicodeError) as error:
            raise ApiKeyError(source, reason=str(error)) from error

    def hide_in(self, text: str) -> str:
        """Return `text` without the key: servers quote what they refuse."""
        return text.replace(self.value, HIDDEN)


def _sound(value: str, source: str) -> str:
    """Return a key that a header can hold."""
    value = value.strip()
    if not value:
        raise ApiKeyError(source, reason="it is empty")
    if not (value.isascii() and value.isprintable()) or " " in value:
        raise ApiKeyError(source, reason="it holds characters that no key has")
    return value
