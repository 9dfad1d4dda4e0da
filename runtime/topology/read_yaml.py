"""Reads YAML with the place of every value.

The values are those of YAML 1.2's core schema: `true`, `null`, `12`, `0x1f`, `1e-4`. The surprises of
YAML 1.1 (`no` is false, `1:30` is 90, `1e-4` is text, dates) and its merge keys are left out.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from .document import MAX_DEPTH, Builder, Document, limit_error
from .errors import TopologySyntaxError
from .problem import KeyPath, Mark, Problem

_VARIABLE = re.compile(r"\$\{([^{}\s,]*)\}")
# Braces end a plain scalar inside `{...}`, so `{count: ${workers}}` is no YAML. Each `${name}` is read
# with private-use characters of the same width in place of its signs, so that columns stay true.
_OPEN, _DOLLAR, _CLOSE = "\ue001", "\ue000", "\ue002"
_HIDDEN = re.compile(f"{_DOLLAR}{_OPEN}([^{_CLOSE}]*){_CLOSE}")

_STR, _MAP, _SEQ = (f"tag:yaml.org,2002:{name}" for name in ("str", "map", "seq"))
_SCALARS = [
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    (
        "float",
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        list("-+0123456789."),
    ),
]
_MENDS = {
    "\t": "indent with spaces",
    "%": "put the text in quotes",
    "@": "put the text in quotes",
    "`": "put the text in quotes",
}


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader with the scalars of YAML 1.2."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own table


for _name, _pattern, _first in _SCALARS:
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_name}", re.compile(f"^(?:{_pattern})$"), _first
    )


def read_yaml(text: str, file: str) -> Document:
    """Read one YAML document.

    Args:
        text: The document.
        file: Its name, for messages.

    Raises:
        TopologySyntaxError: It is not YAML, gives a key twice, or uses a tag that is not plain data.
        TopologyLimitError: It nests too deeply, or its aliases multiply.
    """
    hidden = _VARIABLE.sub(rf"{_DOLLAR}{_OPEN}\1{_CLOSE}", text)
    try:
        _check_depth(hidden, file)
        root = yaml.compose(hidden, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(file, error) from None
    except yaml.YAMLError as error:  # a character that YAML does not allow
        raise _reader_error(text, file, error) from None
    if root is None:
        return Builder(file).document(None)
    walk = _Walk(file)
    return walk.builder.document(walk.value(root, (), root))


def read_scalar(text: str) -> Any:
    """Read the value of `--set key=value`: a number, a word, or YAML in brackets or quotes.

    Raises:
        yaml.YAMLError: Brackets or quotes do not match.
    """
    if text[:1] in ("[", "{", '"', "'"):
        return read_yaml(text, "--set").data
    loader = _Loader("")
    tag = loader.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]  # untyped in its stubs
    return _scalar(loader, yaml.ScalarNode(tag, text))


def _check_depth(text: str, file: str) -> None:
    """Refuse deep nesting before PyYAML's composer, which recurses, meets it."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            mark = Mark(file, *_place(event))
            raise limit_error(mark, (), f"nested more than {MAX_DEPTH} deep", "flatten it")


class _Walk:
    """Turns a node tree into plain values, noting where each stands."""

    def __init__(self, file: str) -> None:
        self.builder = Builder(file)
        self._loader = _Loader("")

    def value(self, node: yaml.Node, path: KeyPath, written: yaml.Node) -> Any:
        line, column = _place(written)
        self.builder.count(path, line, column)
        self.builder.place(path, line, column)
        if isinstance(node, yaml.MappingNode):
            self._plain(node, path, _MAP)
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            self._plain(node, path, _SEQ)
            return [self.value(item, (*path, index), item) for index, item in enumerate(node.value)]
        try:
            return _scalar(self._loader, node)
        except (yaml.YAMLError, ValueError) as error:
            raise self._error(node, path, f"cannot read this value ({error})") from None

    def _mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise self._error(key_node, path, "a key must be a word", "quote the key")
            key = _reveal(key_node.value)
            if key in result:
                first = self.builder.marks[*path, key]
                mend = f"keep one; the first is on line {first.line}"
                raise self._error(key_node, (*path, key), f'the key "{key}" is given twice', mend)
            result[key] = self.value(value_node, (*path, key), key_node)
        return result

    def _plain(self, node: yaml.Node, path: KeyPath, tag: str) -> None:
        if node.tag != tag:
            raise self._error(node, path, f"the tag {node.tag} is not allowed", "leave it out")

    def _error(
        self, node: yaml.Node, path: KeyPath, message: str, mend: str = "write plain data"
    ) -> TopologySyntaxError:
        mark = Mark(self.builder.file, *_place(node))
        return TopologySyntaxError(
            [Problem(kind="syntax", mark=mark, path=path, message=message, mend=mend)]
        )


def _place(node: yaml.Node | yaml.Event) -> tuple[int, int]:
    mark = node.start_mark
    return (mark.line + 1, mark.column + 1) if mark is not None else (0, 0)


def _scalar(loader: _Loader, node: yaml.Node) -> Any:
    if not any(node.tag == f"tag:yaml.org,2002:{name}" for name, _, _ in _SCALARS):
        if node.tag != _STR:
            raise ValueError(f"the tag {node.tag} is not allowed")
        return _reveal(node.value)
    if node.tag == "tag:yaml.org,2002:int":
        return int(node.value, 0 if node.value[:2] in ("0x", "0o") else 10)
    if node.tag == "tag:yaml.org,2002:float":
        special = node.value.lower().endswith(("inf", "nan"))
        return float(node.value.replace(".", "") if special else node.value)
    return loader.construct_object(node)


def _reveal(text: str) -> str:
    return _HIDDEN.sub(r"${\1}", text)


def _syntax_error(file: str, error: yaml.MarkedYAMLError) -> TopologySyntaxError:
    at = error.problem_mark or error.context_mark
    mark = Mark(file, at.line + 1, at.column + 1) if at is not None else Mark(file)
    message = _reveal(error.problem or error.context or "not YAML")
    if error.context and error.problem:
        message += f" ({_reveal(error.context)})"
    buffer = at.buffer if at is not None else None
    here = buffer[at.pointer : at.pointer + 1] if at is not None and buffer else ""
    mend = _MENDS.get(here, "check the indentation, quotes and brackets up to here")
    return TopologySyntaxError(
        [Problem(kind="syntax", mark=mark, path=(), message=message, mend=mend)]
    )


def _reader_error(text: str, file: str, error: yaml.YAMLError) -> TopologySyntaxError:
    position = getattr(error, "position", 0)
    line = text.count("\n", 0, position) + 1
    column = position - (text.rfind("\n", 0, position) + 1) + 1
    code = text[position : position + 1]
    return TopologySyntaxError(
        [
            Problem(
                kind="syntax",
                mark=Mark(file, line, column),
                path=(),
                message=f"the character {code!r} is not allowed in YAML",
                mend="remove it",
            )
        ]
    )
