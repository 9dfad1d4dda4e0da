"""Tokens per second of the decode engine on the CPU, beside `transformers` in the same run.

    python benchmarks/decode.py --json

A team of W rows shares one prompt of 512 tokens and each row decodes 128 new ones; every row
sees the prompt, what the others have written, and its own text, as Hogwild workers do. The peer
generates 128 tokens behind the same prompt, alone. Prefill is not counted on either side.
Rounds of all four are interleaved, so that a noisy neighbour hits everyone.
"""

from __future__ import annotations

import logging
import os
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from measure import Samples, arguments, report, say

from passel.actors.threads import share_cores

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from passel.actors.llm.engine import Engine

MODEL = "smollm2-135m"
WIDTHS = (1, 2, 4)


def main() -> None:
    """Parse arguments, measure, print."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--prompt", type=int, default=512, help="tokens of shared prompt")
    parser.add_argument("--new", type=int, default=128, help="new tokens of each worker")
    parser.add_argument("--threads", type=int, default=2, help="threads of torch")
    parser.add_argument("--dtype", default="float32", help="type of weights, both sides")
    options = parser.parse_args()
    os.environ.setdefault("TQDM_DISABLE", "1")  # the peer's loading bars
    share_cores()  # both sides: before torch loads
    options.rounds = options.rounds or (15 if options.full else 5)
    rates = measured(options)
    report(rates, _facts(options), as_json=options.json)


def measured(options: argparse.Namespace) -> Samples:
    """Run all rounds; return each round's tokens per second by key."""
    from passel.actors.llm.engine import Engine

    engine = Engine.load(MODEL, dtype=options.dtype, threads=options.threads)
    prompt = _prompt(engine, options.prompt)
    runs: dict[str, Callable[[], float]] = {
        f"tokens_per_s_w{width}": partial(_team, engine, prompt, width, options.new)
        for width in WIDTHS
    }
    runs["peer_tokens_per_s"] = _peer(engine, prompt, options)
    for run in runs.values():
        run()  # warm up
    rates: Samples = {key: [] for key in runs}
    for number in range(options.rounds):
        say(f"round {number + 1} of {options.rounds}")
        for key, run in runs.items():
            rates[key].append(run())
    say("")
    return rates


def _prompt(engine: Engine, length: int) -> list[int]:
    """Make a prompt of exactly `length` tokens from plain text."""
    text = "The river runs past the mill, the school and the old market. "
    return (engine.tokenizer.encode(text) * length)[:length]


def _team(engine: Engine, prompt: list[int], width: int, new: int) -> float:
    """Decode `new` greedy tokens for each of `width` rows; give tokens per second of them all."""
    from passel.actors.llm.engine import Row

    shared = engine.block(len(prompt))
    first = engine.forward([Row(tokens=prompt, view=[shared], own=shared)]).topk(width).indices[0]
    blocks = [engine.block(new) for _ in range(width)]
    views = [[shared, *(b for b in blocks if b is not own), own] for own in blocks]
    tokens = first.tolist()
    start = time.perf_counter()
    for _ in range(new):
        rows = [
            Row(tokens=[token], view=view, own=own)
            for token, view, own in zip(tokens, views, blocks, strict=True)
        ]
        tokens = engine.forward(rows).argmax(-1).tolist()
    seconds = time.perf_counter() - start
    return width * new / seconds


def _peer(engine: Engine, prompt: list[int], options: argparse.Namespace) -> Callable[[], float]:
    """Load the same weights in `transformers`; give a run of its `generate`."""
    import torch
    import transformers

    from passel.actors.llm.models import path_of

    logging.disable(logging.WARNING)
    file = path_of(MODEL)
    model: Any = transformers.AutoModelForCausalLM.from_pretrained(
        file.parent, gguf_file=file.name, dtype=getattr(torch, options.dtype)
    )
    ids = torch.tensor([prompt])
    settings = {"do_sample": False, "pad_token_id": 2, "attention_mask": torch.ones_like(ids)}

    def generate(new: int) -> float:
        with torch.inference_mode():
            start = time.perf_counter()
            out = model.generate(ids, min_new_tokens=new, max_new_tokens=new, **settings)
        assert out.shape[1] == len(prompt) + new
        return time.perf_counter() - start

    def run() -> float:
        new: int = options.new
        prefill = generate(1)
        return (new - 1) / (generate(new) - prefill)

    return run


def _facts(options: argparse.Namespace) -> dict[str, Any]:
    """Say what was measured."""
    import torch
    import transformers

    return {
        "seeds": "none, greedy",
        "n": options.rounds,
        "model": MODEL,
        "dtype": options.dtype,
        "omp_wait_policy": os.environ["OMP_WAIT_POLICY"],
        "gomp_spincount": os.environ["GOMP_SPINCOUNT"],
        "threads": torch.get_num_threads(),
        "prompt_tokens": options.prompt,
        "new_tokens": options.new,
        "torch": torch.__version__,
        "transformers": transformers.__version__,
    }


if __name__ == "__main__":
    main()
