"""The page on tools: its program prints what it says, its topologies check, its example runs."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.source import ROOT

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.process

TOO_LARGE = "has a value of more than 8192 bits; use a smaller exponent"

PAGE = (ROOT / "docs" / "tools.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def done(*words: str, cwd: Path = ROOT) -> str:
    command = [sys.executable, *words]
    ended = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, check=False, timeout=50
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_the_program_of_the_page_prints_what_it_says(tmp_path: Path) -> None:
    (program,) = blocks("python")
    (tmp_path / "program.py").write_text(program)
    assert done(str(tmp_path / "program.py"), cwd=tmp_path) == blocks("text")[0]


SHOP = '''
def price(article: str) -> float:
    """Return what an article costs."""
    return 2.5


def order(article: str, number: int = 1) -> str:
    """Order so many of an article."""
    return f"{number} {article}"
'''


def test_the_topologies_of_the_page_hold_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    actors: dict[str, object] = {}
    for number, block in enumerate(blocks("yaml")):
        actors |= {
            f"{key}{number}": value for key, value in yaml.safe_load(block)["actors"].items()
        }
    text = yaml.safe_dump({"version": 1, "name": "page", "actors": actors})
    text = re.sub(r"ref: (\w+)", lambda match: f"ref: {match[1]}{number}", text)
    (tmp_path / "page.yaml").write_text(text)
    (tmp_path / "shop.py").write_text(SHOP)
    monkeypatch.setenv("SHOP_TOKEN", "x")
    done("-m", "passel", "check", str(tmp_path / "page.yaml"))


def test_the_example_makes_its_calls() -> None:
    assert done("-m", "passel", "run", "examples/tools.yaml").splitlines() == [
        "there are: in_feet, calculator, sort",
        "in_feet: 3743.4",
        "calculator: 0.43832020997375326",
        f"calculator: (tool calculator: argument 'expression' {TOO_LARGE})",
        "sort: apples",
        "pears",
    ]
