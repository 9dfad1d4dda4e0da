from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from passel.runtime.simulation.experiment import check_simulation, experiment_of
from passel.runtime.topology import ActorClassError, read_topology

if TYPE_CHECKING:
    from pathlib import Path

TEXT = """\
name: checked
actors: {guest: {class: "tests.runtime.crew:Counter", args: {start: 1}}}
simulate:
  classes: {guest: "tests.runtime.crew:Counter"}
  invariants: "tests.runtime.simulation.mixed:Kept"
"""


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("mixed:Kept", "mixed:Kepd", 5, 'simulate.invariants: module "tests.runtime.simulation.mixed" has no "Kepd"; did you mean "Kept"?'),
        ("simulation.mixed:", "simulation.mixd:", 5, 'there is no module "tests.runtime.simulation.mixd"'),
        ("simulation.mixed:Kept", "crew:Counter", 5, '"Counter" is no class of invariants; derive it from passel.runtime.simulation.Invariants'),
        ('crew:Counter"}', 'crew:Cuonter"}', 4, 'simulate.classes.guest: module "tests.runtime.crew" has no "Cuonter"; did you mean "Counter"?'),
        ('crew:Counter"}', 'crew_life:Unwilling"}', 2, 'Unwilling needs the argument "where"'),
    ],
)  # fmt: skip
def test_each_mistake_in_what_is_simulated_is_named(
    tmp_path: Path, old: str, new: str, line: int, said: str
) -> None:
    file = tmp_path / "checked.yaml"
    assert old in TEXT
    file.write_text(TEXT)
    assert check_simulation(read_topology(file)) == []
    file.write_text(TEXT.replace(old, new))
    problems = check_simulation(read_topology(file))
    assert said in "\n".join(map(str, problems))
    assert problems[0].mark.line == line


def test_nothing_is_simulated_without_its_invariants(tmp_path: Path) -> None:
    file = tmp_path / "checked.yaml"
    file.write_text(TEXT.replace("Kept", "Kepd"))
    with pytest.raises(ActorClassError, match="did you mean"):
        experiment_of(file)
