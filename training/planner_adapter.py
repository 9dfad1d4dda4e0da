"""Train the embedded planner's adapter on generated questions; minutes on one GPU.

    python training/planner_adapter.py --device cuda --out adapter

Writes the adapter in peft's form (float16) and `training.json`: settings, loss on the way, and loss on
questions like those of training that were not trained on. The frozen weights are those that are
served: de-quantised from the file that `passel models pull` brings.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.functional import cross_entropy

from passel.actors.llm import ChatTemplate, path_of
from passel.actors.llm.gguf_file import GgufFile
from passel.actors.llm.lora import LoraModel
from passel.agents.compiler.embedded import declared_tools
from passel.agents.compiler.embedded.prompt import plain_question, prompt_around
from passel.agents.compiler.embedded.questions import Example, examples, without

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from passel.actors.llm import Tokenizer

MODEL = "smollm2-135m"
WARM = 0.05
"""The share of training in which the rate rises."""


@dataclass(frozen=True, slots=True)
class Sequences:
    """A batch: ids (batch, time), and where the next token is a part of the plan."""

    ids: torch.Tensor
    wanted: torch.Tensor
    targets: torch.Tensor


class Reader:
    """Turns examples into ids, as the planner will see them."""

    def __init__(self, tokenizer: Tokenizer, template: ChatTemplate, device: str) -> None:
        before, after = prompt_around(template, declared_tools())
        self.shared = torch.tensor(tokenizer.encode(before), device=device)
        self._tokenizer = tokenizer
        self._after = tokenizer.encode(after)
        self._end = min(tokenizer.ends)
        self._device = device

    def pair(self, example: Example) -> tuple[list[int], list[int]]:
        """Return the ids of a question and those of its plan."""
        question = self._tokenizer.encode(plain_question(example.question), special=False)
        return [*question, *self._after], [*self._tokenizer.encode(example.plan), self._end]

    def batch(self, pairs: Sequence[tuple[list[int], list[int]]]) -> Sequences:
        """Lay sequences out beside each other."""
        time = max(len(prompt) + len(plan) for prompt, plan in pairs)
        ids = torch.full((len(pairs), time), self._end)
        wanted = torch.zeros(len(pairs), time, dtype=torch.bool)
        targets: list[int] = []
        for row, (prompt, plan) in enumerate(pairs):
            ids[row, : len(prompt) + len(plan)] = torch.tensor([*prompt, *plan])
            wanted[row, len(prompt) - 1 : len(prompt) + len(plan) - 1] = True
            targets += plan
        moved = [part.to(self._device) for part in (ids, wanted, torch.tensor(targets))]
        return Sequences(*moved)


def main() -> None:
    """Parse arguments, train, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", default=MODEL, help="a pulled model, or a .gguf file")
    parser.add_argument("--out", type=Path, required=True, help="folder of the adapter")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--examples", type=int, default=40_000)
    parser.add_argument("--fresh", type=int, default=512, help="questions for the last loss")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--rate", type=float, default=8e-4, help="highest learning rate")
    parser.add_argument(
        "--seconds", type=float, default=math.inf, help="stop after so long at the latest"
    )
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    path = Path(options.model)
    file = GgufFile(path if path.exists() else path_of(options.model))
    source, special = file.chat_template()
    reader = Reader(file.tokenizer(), ChatTemplate(source, special=special), options.device)
    dtype = torch.float32 if options.device == "cpu" else torch.bfloat16
    model = LoraModel(
        file.config, file.tensors(), rank=options.rank, alpha=2.0 * options.rank, dtype=dtype,
        device=options.device,
    )  # fmt: skip
    log = trained(model, reader, options)
    model.write(options.out, base=MODEL)
    settings = {k: str(v) for k, v in vars(options).items() if k not in {"model", "out"}}
    text = json.dumps({"settings": settings, "torch": torch.__version__, **log}, indent=2)
    (options.out / "training.json").write_text(text + "\n", encoding="utf-8")


def trained(model: LoraModel, reader: Reader, options: argparse.Namespace) -> dict[str, Any]:
    """Train; return what happened."""
    known = list(examples("training", options.examples, seed=options.seed))
    questions = {example.question for example in known}
    fresh = list(without(examples("alike", options.fresh, seed=options.seed), questions))
    pairs = [reader.pair(example) for example in known]
    order = random.Random(options.seed)
    steps = options.epochs * (len(pairs) // options.batch)
    optimiser = torch.optim.AdamW(model.parameters(), lr=options.rate, weight_decay=0.01)
    began, losses = time.perf_counter(), []
    step = 0
    for batch in _batches(pairs, options, order):
        passed = (time.perf_counter() - began) / options.seconds
        if passed >= 1:
            break
        for group in optimiser.param_groups:
            group["lr"] = options.rate * _share(max(step / steps, passed))
        loss = _loss(model, reader, reader.batch(batch))
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch has no hints here
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        step += 1
        if step % 50 == 0 or step == 1:
            seconds = time.perf_counter() - began
            losses.append({"step": step, "loss": loss.item(), "seconds": seconds})
            print(losses[-1], flush=True)
    return {
        "examples": len(known), "steps": step, "planned_steps": steps,
        "seconds": time.perf_counter() - began, "losses": losses,
        "loss_of_fresh_examples": _fresh_loss(model, reader, fresh),
    }  # fmt: skip


def _batches(
    pairs: Sequence[tuple[list[int], list[int]]], options: argparse.Namespace, order: random.Random
) -> Iterator[list[tuple[list[int], list[int]]]]:
    """Yield batches of sequences that are about as long, in a random order."""
    for _ in range(options.epochs):
        shuffled = order.sample(list(pairs), len(pairs))
        pool = 32 * options.batch
        batches = []
        for start in range(0, len(shuffled), pool):
            near = sorted(
                shuffled[start : start + pool], key=lambda pair: len(pair[0]) + len(pair[1])
            )
            found = [near[at : at + options.batch] for at in range(0, len(near), options.batch)]
            batches += [batch for batch in found if len(batch) == options.batch]
        order.shuffle(batches)
        yield from batches


def _loss(model: LoraModel, reader: Reader, sequences: Sequences) -> torch.Tensor:
    logits = model(reader.shared, sequences.ids, sequences.wanted)
    return cross_entropy(logits, sequences.targets)


@torch.no_grad()
def _fresh_loss(model: LoraModel, reader: Reader, fresh: Sequence[Example]) -> float:
    """Return the loss on examples that were not trained on."""
    losses = []
    for start in range(0, len(fresh), 64):
        pairs = [reader.pair(example) for example in fresh[start : start + 64]]
        losses.append(_loss(model, reader, reader.batch(pairs)).item())
    return sum(losses) / max(len(losses), 1)


def _share(done: float) -> float:
    """Return the share of the highest rate: rising at first, then falling along a cosine."""
    if done < WARM:
        return (done + 0.001) / (WARM + 0.001)
    return 0.5 * (1 + math.cos(math.pi * (done - WARM) / (1 - WARM)))


if __name__ == "__main__":
    main()
