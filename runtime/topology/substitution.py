"""Replaces `${name}` by parameters and environment variables; `$$` stands for `$`.

A text that is exactly `${name}` becomes the value itself, of whatever type; inside a longer text the
value is written out. Parameters may use each other and the environment, but not themselves. A
parameter goes before a variable of the same name. Keys are left as they are.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .document import Builder, Document
from .errors import SubstitutionError
from .problem import KeyPath, Problem, suggestion

if TYPE_CHECKING:
    from collections.abc import Mapping

_TOKEN = re.compile(r"\$\$|\$\{([^}]*)\}|\$\{")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_MAX_TEXT = (
    1 << 20
)  # a text may not grow past what a file may hold: parameters could double each other


def substitute(document: Document, environment: Mapping[str, str]) -> Document:
    """Return the document with every `${name}` replaced.

    Args:
        document: What a reader returned; its `params` are the parameters.
        environment: Variables that stand in where no parameter has the name.

    Raises:
        SubstitutionError: Names that stand for nothing or for themselves; all of them at once.
        TopologyLimitError: Lists of parameters that use each other multiply past the limits.
    """
    if not isinstance(document.data, dict):
        return document
    params = document.data.get("params")
    work = _Substitution(document, params if isinstance(params, dict) else {}, environment)
    data = work.replace(document.data, ())
    if work.problems:
        raise SubstitutionError(work.problems)
    replaced = Document(document.file, data, document.marks)
    _recount(data, (), replaced, Builder(document.file))
    return replaced


def _recount(value: Any, path: KeyPath, document: Document, builder: Builder) -> None:
    mark = document.mark(path)
    builder.count(path, mark.line, mark.column)
    if isinstance(value, dict):
        for key, item in value.items():
            _recount(item, (*path, key), document, builder)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _recount(item, (*path, index), document, builder)


class _Substitution:
    def __init__(
        self, document: Document, params: Mapping[str, Any], environment: Mapping[str, str]
    ) -> None:
        self.problems: list[Problem] = []
        self._document = document
        self._params = params
        self._environment = environment
        self._done: dict[str, Any] = {}
        self._open: list[str] = []

    def replace(self, value: Any, path: KeyPath) -> Any:
        if isinstance(value, str):
            return self._text(value, path)
        if isinstance(value, dict):
            if path == ("params",):
                return {key: self._param(key, (*path, key)) for key in value}
            return {key: self.replace(item, (*path, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self.replace(item, (*path, index)) for index, item in enumerate(value)]
        return value

    def _text(self, text: str, path: KeyPath) -> Any:
        whole = _TOKEN.fullmatch(text)
        if whole and whole[1] is not None:
            return self._lookup(whole[1], path)
        result = _TOKEN.sub(lambda match: self._written(match, path), text)
        if len(result) > _MAX_TEXT:
            self._fail(path, f"the text grows past {_MAX_TEXT} characters", "use shorter values")
            return ""
        return result

    def _written(self, match: re.Match[str], path: KeyPath) -> str:
        if match[0] == "$$":
            return "$"
        if match[1] is None:
            self._fail(path, '"${" is not closed', 'close it with "}", or write "$$" for a "$"')
            return ""
        value = self._lookup(match[1], path)
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, dict | list):
            message = f'"${{{match[1]}}}" is a {"mapping" if isinstance(value, dict) else "list"}'
            self._fail(path, f"{message} in the middle of a text", "use it as the whole value")
            return ""
        return "" if value is None else str(value)

    def _lookup(self, name: str, path: KeyPath) -> Any:
        if not _NAME.fullmatch(name):
            mend = 'name a parameter: letters, digits, "_", "." and "-"; write "$$" for a "$"'
            self._fail(path, f'"${{{name}}}" names nothing', mend)
            return None
        if name in self._params:
            return self._param(name, path)
        if name in self._environment:
            return self._environment[name]
        mend = suggestion(name, self._params)
        self._fail(
            path, f'no parameter or environment variable is called "{name}"', f"{mend} (params)"
        )
        return None

    def _param(self, name: str, path: KeyPath) -> Any:
        if name in self._done:
            return self._done[name]
        if name in self._open:
            circle = " -> ".join([*self._open[self._open.index(name) :], name])
            self._fail(path, f"parameters stand for each other: {circle}", "give one a value")
            return None
        self._open.append(name)
        self._done[name] = self.replace(self._params[name], ("params", name))
        self._open.pop()
        return self._done[name]

    def _fail(self, path: KeyPath, message: str, mend: str) -> None:
        self.problems.append(self._document.problem("substitution", path, message, mend))
