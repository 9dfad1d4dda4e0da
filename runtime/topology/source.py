"""Finds and reads the text of a topology: YAML, JSON or TOML, told apart by the file's ending."""

from __future__ import annotations

from pathlib import Path

from .document import MAX_BYTES, Document, limit_error
from .errors import TopologyReadError
from .problem import Mark, Problem


def read_document(path: Path) -> Document:
    """Read a topology file into plain values with their places.

    Args:
        path: A file that ends in `.yaml`, `.yml`, `.json` or `.toml`.

    Raises:
        TopologyReadError: The file is missing, unreadable, not UTF-8, or of another ending.
        TopologySyntaxError: Its text is not what its ending says, or gives a key twice.
        TopologyLimitError: It is too large, too deep or has too many values.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise _read_error(path, "there is no such file", "check the path") from None
    except IsADirectoryError:
        raise _read_error(path, "this is a folder", "name a file in it") from None
    except OSError as error:
        raise _read_error(path, error.strerror or str(error), "check its permissions") from None
    if len(content) > MAX_BYTES:
        mark = Mark(str(path), content.count(b"\n") + 1, 1)
        mend = "move large data to files of its own"
        raise limit_error(mark, (), f"larger than {MAX_BYTES} bytes", mend)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        message = f"byte 0x{content[error.start]:02x} is not UTF-8"
        raise _read_error(path, message, "save the file as UTF-8", line, column) from None
    return read_text(text, file=str(path), ending=path.suffix)


def read_text(text: str, *, file: str, ending: str = ".yaml") -> Document:
    """Read the text of a topology.

    Args:
        text: The document.
        file: Its name, for messages.
        ending: `.yaml`, `.yml`, `.json` or `.toml`.

    Raises:
        TopologyReadError: The ending is another one.
        TopologySyntaxError: The text is not what the ending says, or gives a key twice.
        TopologyLimitError: It is too deep or has too many values.
    """
    if ending in (".yaml", ".yml"):
        from .read_yaml import read_yaml  # PyYAML is not needed to start a node

        return read_yaml(text, file)
    if ending == ".json":
        from .read_json import read_json

        return read_json(text, file)
    if ending == ".toml":
        from .read_toml import read_toml

        return read_toml(text, file)
    raise _read_error(Path(file), f'unknown ending "{ending}"', "use .yaml, .json or .toml")


def _read_error(
    path: Path, message: str, mend: str, line: int = 0, column: int = 0
) -> TopologyReadError:
    mark = Mark(str(path), line, column)
    return TopologyReadError([Problem(kind="read", mark=mark, path=(), message=message, mend=mend)])
