from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from passel.protocols.trial import TrialId
from passel.sims.beam import BeamParameterError, BeamSetupError
from passel.sims.beam.keys import MODES, check_keys, key_of
from passel.sims.beam.override import Override, Value, file_name, override_text, sweep_overrides

if TYPE_CHECKING:
    from pathlib import Path


def test_constants_of_modes_and_full_keys_are_parameters() -> None:
    for mode in MODES:
        key = key_of(f"{mode}_intercept")
        assert key.endswith(f".multinomialLogit.params.{mode}_intercept")
        assert key_of(key) == key
    assert key_of("beam.agentsim.tuning.transitCapacity") == "beam.agentsim.tuning.transitCapacity"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("tram_intercept", "give a full key"),
        ("car", "give a full key"),
        ("beam.x = 1\nbeam.y", "give a full key"),
        ("beam..x", "give a full key"),
        ("beam.agentsim.lastIteration", "set anew for each trial"),
    ],
)
def test_other_names_are_none(name: str, reason: str) -> None:
    with pytest.raises(BeamParameterError, match=reason):
        key_of(name)


def test_two_names_of_one_key_are_refused() -> None:
    with pytest.raises(BeamParameterError, match="key of 'car_intercept' is the same"):
        check_keys(("car_intercept", key_of("car_intercept")))


def test_an_override_includes_the_scenario_first_and_then_sets_keys() -> None:
    values: dict[str, Value] = {
        "a.b": 1.5,
        "a.c": 3,
        "a.d": False,
        "a.e": 'C:\\x "y"\n',
        "a.f": 1e-9,
    }
    assert override_text("my scenario.conf", values) == (
        'include "my scenario.conf"\n'
        "a.b = 1.5\n"
        "a.c = 3\n"
        "a.d = false\n"
        'a.e = "C:\\\\x \\"y\\"\\n"\n'
        "a.f = 1e-09\n"
    )


def test_the_files_of_two_trials_lie_side_by_side_in_the_scenarios_folder(tmp_path: Path) -> None:
    scenario = tmp_path / "scenario.conf"
    made = [Override(scenario, TrialId("../up"), {"a.b": 1}) for _ in range(2)]
    assert {one.path.parent for one in made} == {tmp_path}
    assert sorted(tmp_path.iterdir()) == sorted(one.path for one in made)
    assert made[0].path.read_text() == 'include "scenario.conf"\na.b = 1\n'
    for one in made:
        one.remove()
        one.remove()
    assert list(tmp_path.iterdir()) == []


def test_files_whose_writer_is_gone_are_swept_and_no_others(tmp_path: Path) -> None:
    scenario = tmp_path / "scenario.conf"
    held = Override(scenario, TrialId("held"), {})
    left = held.path.with_name(held.path.name.replace("held", "left"))
    others = [tmp_path / name for name in ("scenario.conf", "passel-elsewhere-trial-x-1.conf")]
    for path in (left, *others):
        path.touch()
    sweep_overrides(scenario)
    assert sorted(tmp_path.iterdir()) == sorted([held.path, *others])
    held.remove()


def test_the_name_of_a_trial_leads_nowhere_else() -> None:
    assert file_name(TrialId("..")) == "trial-.."
    assert file_name(TrialId("a/b c")) == "trial-a_2Fb_20c"


def test_a_folder_that_cannot_be_written_to_is_said(tmp_path: Path) -> None:
    with pytest.raises(BeamSetupError, match="cannot be written to"):
        Override(tmp_path / "gone" / "scenario.conf", TrialId("one"), {})
