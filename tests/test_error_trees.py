from __future__ import annotations

import ast
import importlib
import re
from typing import TYPE_CHECKING

import pytest

from passel.protocols.errors import PasselError
from tests.source import name_of, package_files, tree_of

if TYPE_CHECKING:
    from pathlib import Path

ERROR_FILES = [
    path
    for path in package_files()
    if path.name == "errors.py" and "└── " in (ast.get_docstring(tree_of(path)) or "")
]
BRANCH = re.compile(r"^(?P<stem>[│├└─ ]*)(?P<name>[A-Z]\w*Error)\b(?P<says>.*)$")


def drawn(text: str) -> dict[str, str]:
    """Return the parent of each class in a tree drawn as text, the root's empty."""
    parents: dict[str, str] = {}
    path: list[str] = []
    for line in text.splitlines():
        branch = BRANCH.match(line)
        if branch is None or (not branch["stem"] and branch["says"].strip()):
            continue
        level = len(branch["stem"]) // 4
        del path[level:]
        parents[branch["name"]] = path[-1] if path else ""
        path.append(branch["name"])
    return parents


@pytest.mark.parametrize("path", ERROR_FILES, ids=name_of)
def test_the_tree_at_the_head_of_an_error_file_is_the_one_below_it(path: Path) -> None:
    module = importlib.import_module(f"passel.{name_of(path)}")
    classes = {
        name: found
        for name, found in vars(module).items()
        if isinstance(found, type)
        and issubclass(found, BaseException)
        and found.__module__ == module.__name__
    }
    tree = drawn(module.__doc__ or "")

    assert next(iter(tree)) == "PasselError"
    assert set(tree) == set(classes) | {"PasselError"}
    for name, found in classes.items():
        if found is not PasselError:
            assert tree[name] == found.__mro__[1].__name__
        assert name.endswith("Error")
        assert issubclass(found, PasselError)


def test_the_errors_of_the_protocol_are_drawn() -> None:
    assert "protocols.errors" in [name_of(path) for path in ERROR_FILES]
