"""The engine on real SmolLM2-135M-Instruct weights, beside `transformers`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch

from passel.actors.llm.engine import Block, Row, generate
from passel.actors.llm.sampling import Sampling

if TYPE_CHECKING:
    from passel.actors.llm.engine import Engine

pytestmark = [pytest.mark.model, pytest.mark.timeout(180)]  # loading both models is slow

PROMPTS = [
    "Why is the sky blue?",
    "List three fruits.",
    "What is 17 + 25?",
    "Write a haiku about rain.",
    "Name the capital of Australia.",
    "Explain gravity to a child.",
    "Translate 'good morning' into French.",
    "Give me a recipe for pancakes.",
    "What does HTTP stand for?",
    "Who wrote Hamlet?",
    "Sort these numbers: 5, 3, 9, 1.",
    "Write a Python function that adds two numbers.",
    "How many legs has a spider?",
    "Describe a sunset in one sentence.",
    "What is the opposite of 'cold'?",
    "Plan a day trip for 23 euros.",
    "Is 91 a prime number?",
    "Tell me a joke about cats.",
    "Summarise the water cycle.",
    "Wie geht es dir? Schöne Grüße 🙂",
]
NEW = 32
NEAR = 1e-3
"""Two best logits closer than this may change places between two implementations."""


def prompt_ids(engine: Engine, question: str) -> list[int]:
    return engine.tokenizer.encode(engine.chat.render([{"role": "user", "content": question}]))


def greedy_together(
    engine: Engine, prompts: list[list[int]], new: int
) -> tuple[list[list[int]], torch.Tensor]:
    """Decode all prompts as rows of the same ticks: ids, and logits (prompts, new, vocab)."""
    blocks = [engine.block(len(prompt) + new) for prompt in prompts]
    fed, steps = prompts, []
    for _ in range(new):
        rows = [Row(tokens=t, view=[b], own=b) for t, b in zip(fed, blocks, strict=True)]
        logits = engine.forward(rows)
        steps.append(logits)
        fed = [[token] for token in logits.argmax(-1).tolist()]
    logits = torch.stack(steps, 1)
    return logits.argmax(-1).tolist(), logits


def test_greedy_text_of_twenty_prompts_is_that_of_transformers(smollm2: Engine, peer: Any) -> None:
    """Each of 640 greedy steps is the peer's own choice; logits agree within 2e-3.

    The peer reads prompt and text in one uncached pass, so its choice at every step is what its
    own greedy decoding takes. Steps may part where its two best logits are within 1e-3; they are
    counted, and the text behind one is not compared.
    """
    model, _ = peer
    prompts = [prompt_ids(smollm2, question) for question in PROMPTS]
    texts, logits = greedy_together(smollm2, prompts, NEW)
    parted, compared, worst = 0, 0, 0.0
    for prompt, text, ours in zip(prompts, texts, logits, strict=True):
        with torch.inference_mode():
            theirs = model(torch.tensor([prompt + text])).logits[0, len(prompt) - 1 : -1]
        worst = max(worst, float((ours - theirs).abs().max()))
        gaps = theirs.topk(2).values
        for token, choice, gap in zip(text, theirs.argmax(-1).tolist(), gaps, strict=True):
            if token != choice:
                assert float(gap[0] - gap[1]) < NEAR
                parted += 1
                break
            compared += 1
    assert worst <= 2e-3
    assert parted <= 1
    assert compared >= 19 * NEW


def test_plain_decoding_gives_the_text_that_transformers_generates(
    smollm2: Engine, peer: Any
) -> None:
    """The peer's own cached `generate`, on two of the prompts."""
    model, tokenizer = peer
    for question in PROMPTS[:2]:
        ids = prompt_ids(smollm2, question)
        ours = list(generate(smollm2, ids, Sampling(), 24, smollm2.tokenizer.ends))
        given = torch.tensor([ids])
        with torch.inference_mode():
            out = model.generate(
                given,
                attention_mask=torch.ones_like(given),
                do_sample=False,
                max_new_tokens=24,
                pad_token_id=2,
            )
        assert ours == out[0, len(ids) :].tolist()
        assert smollm2.tokenizer.decode(ours) == tokenizer.decode(ours)


def test_tokens_are_those_of_transformers(smollm2: Engine, peer: Any) -> None:
    _, tokenizer = peer
    texts = [
        *PROMPTS,
        "3.14159 and 2,718,281 or 007",
        "def f(x):\n\treturn  x**2  # square\n\n\n",
        "naïve café 日本語 🙂‍↔️ \u200b end",
        "  leading, trailing  ",
        "I'm they'll DON'T 'twas",
        "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n",
        "",
    ]
    for text in texts:
        ids = smollm2.tokenizer.encode(text)
        assert ids == tokenizer(text, add_special_tokens=False)["input_ids"]
        assert smollm2.tokenizer.decode(ids) == text


def test_the_chat_prompt_is_that_of_transformers(smollm2: Engine, peer: Any) -> None:
    _, tokenizer = peer
    for turns in (
        [{"role": "user", "content": "Hi"}],
        [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
    ):
        theirs = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
        assert smollm2.chat.render(turns) == theirs
    assert smollm2.tokenizer.ends == {2}


def test_a_text_cut_into_blocks_keeps_its_logits(smollm2: Engine) -> None:
    """Two workers' blocks behind one prompt, written tick by tick, against one plain forward."""
    ids = prompt_ids(smollm2, PROMPTS[5])
    whole = smollm2.block(len(ids))
    plain = smollm2.forward([Row(tokens=ids, view=[whole], own=whole)], all_logits=True)
    before: list[Block] = []
    logits = []
    for start in range(0, len(ids), 9):
        block = smollm2.block(9)
        view = [*before, block]
        rows = [Row(tokens=ids[start : start + 9], view=view, own=block)]
        logits.append(smollm2.forward(rows, all_logits=True))
        before.append(block)
    assert (torch.cat(logits) - plain).abs().max() <= 1e-3
