"""The reference page of topology files says what the records and the command say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from passel.runtime.cli import exits
from passel.runtime.topology import check, parse_topology
from passel.runtime.topology.spec import (
    ActorSpec,
    GroupSpec,
    Main,
    NodeSpec,
    Simulate,
    Supervise,
    Topology,
)
from tests.source import ROOT

if TYPE_CHECKING:
    import msgspec

PAGE = (ROOT / "docs" / "topology.md").read_text()
FILES = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
SECTIONS: list[tuple[str, type[msgspec.Struct]]] = [
    ("## The top level", Topology),
    ("## A node", NodeSpec),
    ("## A group", GroupSpec),
    ("## An actor", ActorSpec),
    ("### `supervise`", Supervise),
    ("## `main`", Main),
    ("## `simulate`", Simulate),
]


def test_the_page_has_a_file() -> None:
    assert FILES


@pytest.mark.parametrize("text", FILES)
def test_every_file_on_the_page_is_sound_but_for_its_classes(text: str) -> None:
    found = check(parse_topology(text, environment={"HOME": "/home/ada"}))
    assert [str(p) for p in found if p.kind not in ("class", "resources")] == []


@pytest.mark.parametrize(("heading", "record"), SECTIONS, ids=str)
def test_every_key_has_a_row(heading: str, record: type[msgspec.Struct]) -> None:
    section = PAGE.partition(f"\n{heading}\n")[2].partition("\n#")[0]
    keys = re.findall(r"^\| `(\w+)` \| .+ \| .+ \| .+\. \|$", section, re.MULTILINE)
    assert set(keys) == set(record.__struct_encode_fields__)


def test_every_exit_code_has_a_row() -> None:
    section = PAGE.partition("\n## Exit codes")[2].partition("\n#")[0]
    codes = {int(code) for code in re.findall(r"^\| (\d+) \|", section, re.MULTILINE)}
    assert codes == {value for name, value in vars(exits).items() if isinstance(value, int)}
