from __future__ import annotations

import importlib
import shutil
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import pytest

from tests.source import ROOT

LISTING = """
from importlib.metadata import distribution
found = distribution("passel")
print(found.version, *sorted(e.name for e in found.entry_points if e.group == "passel.commands"))
print(*(file for file in found.files or () if not file.locate().is_file()))
"""


def test_a_linked_checkout_has_the_commands_of_agents(tmp_path: Path) -> None:
    make = shutil.which("make")
    if make is None:
        pytest.skip("make is not installed")
    venv.create(tmp_path / "venv", symlinks=True)
    python = tmp_path / "venv" / "bin" / "python"
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    site = tmp_path / "venv" / "lib" / version / "site-packages"
    installed = Path(importlib.import_module("setuptools").__path__[0]).parent
    for found in (*installed.glob("setuptools*"), installed / "_distutils_hack"):
        (site / found.name).symlink_to(found)
    for stamp in (".for-users", ".for-developers"):
        (tmp_path / "venv" / stamp).touch()

    words = [f"VENV={tmp_path / 'venv'}", f"META={tmp_path / 'metadata'}"]
    done = subprocess.run(
        [make, "dev", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    listed = subprocess.run(
        [python, "-I", "-c", LISTING], capture_output=True, text=True, check=True
    )
    commands = sorted(project["entry-points"]["passel.commands"])
    assert listed.stdout.splitlines() == [" ".join([project["version"], *commands]), ""]
    assert (site / "passel").resolve() == ROOT
