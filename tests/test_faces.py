from __future__ import annotations

import ast
import importlib
import inspect
from typing import TYPE_CHECKING

import pytest

from tests.source import ROOT, faces, name_of, package_files, tree_of

if TYPE_CHECKING:
    from pathlib import Path


def in_order(names: list[str]) -> list[str]:
    """Return names sorted as the linter sorts `__all__`: constants, classes, functions."""
    return sorted(
        names, key=lambda name: (0 if name.isupper() else 1 if name[0].isupper() else 2, name)
    )


def names_of(face: Path) -> list[str]:
    """Return the `__all__` of a face, empty when it exports nothing."""
    for node in tree_of(face).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return list(ast.literal_eval(node.value))
    return []


def label(path: Path) -> str:
    """Return a file's place in the project."""
    return str(path.relative_to(ROOT))


def eager(statements: list[ast.stmt]) -> list[ast.stmt]:
    """Return the lazy root face as the plain one that checkers see; why it is lazy stands there."""
    found: list[ast.stmt] = []
    for node in statements:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            found += node.body
        elif isinstance(node, ast.FunctionDef):
            assert node.name in {"__getattr__", "__dir__"}
        elif ast.unparse(node) != "TYPE_CHECKING = False":
            found.append(node)
    return found


@pytest.mark.parametrize("face", faces(), ids=label)
def test_a_face_only_exports(face: Path) -> None:
    docstring, *rest = tree_of(face).body
    assert isinstance(docstring, ast.Expr)
    if face.parent == ROOT:
        rest = eager(rest)

    exported: list[str] = []
    for node in rest:
        if isinstance(node, ast.ImportFrom):
            exported += [a.asname or a.name for a in node.names if node.module != "__future__"]
            assert node.level == 1 or node.module == "__future__", ast.unparse(node)
        else:
            assert ast.unparse(node).startswith("__all__ = ["), ast.unparse(node)
    assert names_of(face) == in_order(exported)


@pytest.mark.parametrize("face", [face for face in faces() if names_of(face)], ids=label)
def test_every_name_of_a_face_is_documented(face: Path) -> None:
    module = importlib.import_module(".".join(filter(None, ["passel", name_of(face)])))
    bare = []
    for name in module.__all__:
        found = getattr(module, name)
        if inspect.isclass(found) or inspect.isroutine(found):
            documented = bool(
                vars(found).get("__doc__") if inspect.isclass(found) else found.__doc__
            )
        else:
            documented = has_text_below(face, name)
        if not documented:
            bare.append(name)

    assert bare == []


def has_text_below(face: Path, name: str) -> bool:
    """Whether a constant of a face has a docstring where it is defined."""
    source = next(
        face.parent / f"{(node.module or '').replace('.', '/')}.py"
        for node in tree_of(face).body
        if isinstance(node, ast.ImportFrom)
        and any((a.asname or a.name) == name for a in node.names)
    )
    return name in constants_with_text(tree_of(source))


def constants_with_text(tree: ast.Module) -> set[str]:
    """Return the module's names whose assignment is followed by a text."""
    found: set[str] = set()
    for node, after in zip(tree.body, tree.body[1:], strict=False):
        text = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
        if text and isinstance(node, ast.Assign):
            found |= {ast.unparse(target) for target in node.targets}
        elif text and isinstance(node, ast.AnnAssign):
            found.add(ast.unparse(node.target))
    return found


def undocumented(node: ast.Module | ast.ClassDef, prefix: str) -> list[str]:
    """Return the public classes and functions below a node that have no docstring."""
    found: list[str] = []
    for child in node.body:
        inner = child.body if isinstance(child, ast.If) else [child]
        for item in inner:
            if not isinstance(item, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            overload = any(
                ast.unparse(d) in {"overload", "typing.overload"} for d in item.decorator_list
            )
            if item.name.startswith("_") or overload:
                continue
            if ast.get_docstring(item) is None:
                found.append(f"{prefix}{item.name}")
            if isinstance(item, ast.ClassDef):
                found += undocumented(item, f"{prefix}{item.name}.")
    return found


def test_every_public_class_and_function_is_documented() -> None:
    bare: list[str] = []
    for path in package_files():
        tree = tree_of(path)
        if not ast.get_docstring(tree):
            bare.append(label(path))
        bare += undocumented(tree, f"{label(path)}: ")

    assert bare == []
