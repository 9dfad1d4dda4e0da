"""Low-rank adapters: what is trained is what is served, and what is not understood is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch.nn.functional import cross_entropy

from passel.actors.llm.adapter import CONFIG, Adapter
from passel.actors.llm.decoder import Decoder
from passel.actors.llm.engine import Engine, Row
from passel.actors.llm.errors import ModelFormatError, UnsupportedModelError
from passel.actors.llm.lora import LoraModel
from tests.oracles.tiny import random_weights, tiny_config

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from passel.actors.llm.config import ModelConfig

SHARED = [3, 14, 15, 9, 26]
OWN = [[5, 35, 8, 9], [7, 9, 32, 38]]


def model_of(config: ModelConfig, *, learned: bool = True) -> tuple[LoraModel, dict[str, Any]]:
    """Return a model that was changed at random, and the weights that it was made of."""
    weights: dict[str, Any] = dict(random_weights(config, seed=5, dtype=torch.float32))
    torch.manual_seed(1)
    model = LoraModel(config, weights, rank=3, alpha=6.0)
    if learned:
        for up in model.up.values():
            torch.nn.init.normal_(up, std=0.05)
    for part in model.parameters():  # what is written has 16 bits
        part.data = part.data.half().float()
    return model, weights


def served(config: ModelConfig, weights: dict[str, torch.Tensor], text: list[int]) -> torch.Tensor:
    """Return the logits of the engine."""
    engine = Engine(Decoder(config, dict(weights)))
    block = engine.block()
    return engine.forward([Row(tokens=text, view=[block], own=block)], all_logits=True)


def test_the_model_that_learns_equals_the_one_that_is_served(tmp_path: Path) -> None:
    config = tiny_config()
    model, weights = model_of(config)
    model.write(tmp_path / "adapter", base="tiny")
    wanted = torch.ones(2, 4, dtype=torch.bool)
    learned = model(torch.tensor(SHARED), torch.tensor(OWN), wanted).view(2, 4, -1)
    before = served(config, weights, SHARED + OWN[0])

    Adapter.read(tmp_path / "adapter").merge_into(weights)

    for row, own in enumerate(OWN):
        logits = served(config, weights, SHARED + own)[len(SHARED) :]
        assert (logits - learned[row]).abs().max() <= 1e-4
        if row == 0:
            assert (logits - before[len(SHARED) :]).abs().max() > 0.02


def test_without_training_nothing_is_changed() -> None:
    config = tiny_config()
    model, weights = model_of(config, learned=False)
    wanted = torch.ones(2, 4, dtype=torch.bool)
    logits = model(torch.tensor(SHARED), torch.tensor(OWN), wanted).view(2, 4, -1)

    expected = served(config, weights, SHARED + OWN[1])[len(SHARED) :]
    assert (logits[1] - expected).abs().max() <= 1e-4


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Tiny products are not worth a second thread, least of all on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("one_thread")
def test_a_few_steps_learn_a_sequence_and_leave_the_weights_alone() -> None:
    model, weights = model_of(tiny_config(), learned=False)
    kept = {name: tensor.clone() for name, tensor in weights.items()}
    optimiser = torch.optim.AdamW(model.parameters(), lr=0.03)
    wanted = torch.ones(2, 4, dtype=torch.bool)
    targets = torch.tensor([*OWN[0][1:], 1, *OWN[1][1:], 2])
    losses = []
    for _ in range(15):
        loss = cross_entropy(model(torch.tensor(SHARED), torch.tensor(OWN), wanted), targets)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch has no hints here
        optimiser.step()
        losses.append(loss.item())

    assert losses[-1] < losses[0] / 2
    assert all(torch.equal(weights[name], kept[name]) for name in kept)


@pytest.mark.parametrize(
    ("setting", "value"),
    [("peft_type", "IA3"), ("use_dora", True), ("bias", "all"), ("modules_to_save", ["lm_head"])],
)
def test_an_adapter_of_another_kind_is_refused_by_name(
    tmp_path: Path, setting: str, value: object
) -> None:
    model, _ = model_of(tiny_config())
    model.write(tmp_path, base="tiny")
    config = json.loads((tmp_path / CONFIG).read_text()) | {setting: value}
    (tmp_path / CONFIG).write_text(json.dumps(config))

    with pytest.raises(UnsupportedModelError, match="adapter"):
        Adapter.read(tmp_path)


def test_an_adapter_for_another_model_is_refused(tmp_path: Path) -> None:
    model, weights = model_of(tiny_config())
    model.write(tmp_path, base="tiny")
    adapter = Adapter.read(tmp_path)
    name = "model.layers.0.mlp.up_proj.weight"

    with pytest.raises(ModelFormatError, match=r"it changes model\.layers\.0\.mlp\.up_proj"):
        adapter.merge_into(weights | {name: weights[name][1:]})
    del weights[name]
    with pytest.raises(ModelFormatError, match="no weight"):
        adapter.merge_into(weights)


def test_a_folder_without_an_adapter_is_no_adapter(tmp_path: Path) -> None:
    with pytest.raises(ModelFormatError, match="it has no adapter_config"):
        Adapter.read(tmp_path)
    (tmp_path / CONFIG).write_text('{"peft_type": "LORA", "r": 4, "lora_alpha": 8}')
    with pytest.raises(ModelFormatError, match="adapter_model"):
        Adapter.read(tmp_path)
