"""Plans by models without meaning: the grammar alone must see to it that they can be read."""

from __future__ import annotations

from functools import cache

import pytest
import torch
from tokenizers.pre_tokenizers import ByteLevel

from passel.actors.llm import ChatTemplate, Sampling, Tokenizer
from passel.actors.llm.decoder import Decoder
from passel.actors.llm.engine import Engine
from passel.actors.llm.tokenizer import Vocabulary
from passel.agents.compiler.embedded.drafting import Drafter
from passel.agents.compiler.embedded.metrics import tasks_of
from passel.agents.compiler.embedded.toolset import declared_tools
from tests.oracles.tiny import random_weights, tiny_config

TEMPLATE = "{% for message in messages %}{{ message.content }}\n{% endfor %}"
QUESTIONS = ["Is K2 or Denali higher?", "Add 5 to the area of Peru and that of Chile."]


@cache
def engine() -> Engine:
    """Return a tiny model with random weights whose tokens are bytes."""
    alphabet = sorted(ByteLevel.alphabet())
    vocabulary = Vocabulary(
        tokens=[*alphabet, "<end>"], merges=[], special=[256], added=[], splitting="gpt-2"
    )
    config = tiny_config(vocab=257)
    model = Decoder(config, random_weights(config, seed=7), dtype=torch.float64)
    tokenizer = Tokenizer.from_vocabulary(vocabulary, ends=[256])
    return Engine(model, tokenizer, chat=ChatTemplate(TEMPLATE))


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_the_model_prefers_its_plan_can_be_read(seed: int) -> None:
    drafter = Drafter(engine(), declared_tools()[:2])
    sampling = Sampling(temperature=1.0, seed=seed)
    drafts = [drafter.begin(question, sampling) for question in QUESTIONS]
    while under_way := [draft for draft in drafts if not draft.over]:
        drafter.step(under_way)

    for draft in drafts:
        assert not draft.cut
        assert tasks_of(drafter.text(draft), declared_tools()) is not None
        assert draft.chosen < len(draft.tokens)


def test_plans_that_are_written_together_are_those_that_are_written_alone() -> None:
    drafter = Drafter(engine(), declared_tools()[:2])
    together = [drafter.begin(question) for question in QUESTIONS]
    while under_way := [draft for draft in together if not draft.over]:
        drafter.step(under_way)
    for question, draft in zip(QUESTIONS, together, strict=True):
        alone = drafter.begin(question)
        while not alone.over:
            drafter.step([alone])
        assert alone.tokens == draft.tokens


def test_a_plan_is_cut_when_it_is_as_long_as_it_may_be() -> None:
    drafter = Drafter(engine(), declared_tools(), constrained=False, max_tokens=9)
    draft = drafter.begin(QUESTIONS[0], Sampling(temperature=1.0, seed=4))
    while not draft.over:
        drafter.step([draft])

    assert len(draft.tokens) <= 9
    assert draft.cut == (len(draft.tokens) == 9)
