from __future__ import annotations

import re
import shutil
import statistics
import subprocess
import tomllib
from importlib import metadata
from typing import TYPE_CHECKING

import pytest

from tests.source import FOLDERS, ROOT, all_files, faces, name_of, package_files

if TYPE_CHECKING:
    from pathlib import Path

MOST_LINES = 600
MEDIAN_LINES = 150
FACE_LINES = 60

MACHINE_PATHS = re.compile(r"(?<![\w.~}\"'])/(?:work|home|root|Users|mnt|workspace)/[\w.-]+")
"""Absolute paths that only one machine has; temporary folders and `/dev` are everybody's."""


def test_the_packages_of_the_wheel_are_the_folders_with_a_face() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    folders = ["passel" if path.parent == ROOT else f"passel.{name_of(path)}" for path in faces()]

    assert project["tool"]["setuptools"]["packages"] == sorted(folders)


def test_every_file_of_the_package_lies_in_a_folder_with_a_face() -> None:
    with_face = {path.parent for path in faces()}

    assert [path for path in package_files() if path.parent not in with_face] == []


def test_the_root_holds_no_module_but_the_face_and_the_command() -> None:
    assert sorted(path.name for path in ROOT.glob("*.py")) == ["__init__.py", "__main__.py"]


def test_the_layers_are_folders_of_the_root() -> None:
    with_face = {path.parent.name for path in ROOT.glob("*/__init__.py")}

    assert with_face == set(FOLDERS)


def test_no_file_is_too_long_to_be_read() -> None:
    too_long = [
        f"{path.relative_to(ROOT)}: {lines}"
        for path in all_files()
        if (lines := len(path.read_text().splitlines())) > most_lines(path)
    ]

    assert too_long == []


def most_lines(path: Path) -> int:
    """Return how long a file may be."""
    return FACE_LINES if path.name == "__init__.py" else MOST_LINES


def test_the_median_file_is_short() -> None:
    lengths = [len(path.read_text().splitlines()) for path in package_files()]

    assert statistics.median(lengths) <= MEDIAN_LINES


def test_nothing_that_is_committed_names_a_path_of_one_machine() -> None:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(
        [git, "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    found = [
        f"{name}:{number}: {line.strip()}"
        for name in listed.stdout.split("\0")
        if name and (ROOT / name).is_file()
        for number, line in enumerate((ROOT / name).read_text(errors="replace").splitlines(), 1)
        if MACHINE_PATHS.search(line)
    ]

    assert found == []


def test_the_version_of_the_wheel_is_the_one_of_the_changelog() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    released = re.findall(r"^## \[(\d[^\]]*)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert released == [] or released[0] == project["version"]
    try:
        assert metadata.version("passel") == project["version"]
    except metadata.PackageNotFoundError:
        pytest.skip("the checkout is linked, not installed")
