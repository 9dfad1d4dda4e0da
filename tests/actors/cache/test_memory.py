"""Board and memory against a full recompute, which knows no cache, no blocks and no ticks."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pytest
import torch
from safetensors.torch import load_file

from passel.actors.cache.board import Board
from passel.actors.cache.layout import LAYOUTS, PROMPT
from passel.actors.cache.memory import EngineVocabulary, Memory, banned_ids, without_controls
from passel.actors.cache.tick_events import RunTick, Turn
from passel.actors.llm.engine import Engine, Row
from passel.protocols.cache import (
    Draw,
    Epoch,
    Finish,
    Markers,
    Next,
    SessionSpec,
    TickNumber,
    WorkerId,
)
from tests.actors.cache.witness import Witness, linear_tables
from tests.oracles.recompute import recompute

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LayoutName = Literal["combined", "contiguous"]
Headers = Literal["contextual", "isolated"]


class Listening(Engine):
    """Keeps the logits of every forward."""

    kept: list[torch.Tensor]

    def forward(self, rows: Sequence[Row], *, all_logits: bool = False) -> torch.Tensor:
        """Run one tick."""
        logits = super().forward(rows, all_logits=all_logits)
        self.kept.append(logits.clone())
        return logits


@dataclass
class Run:
    """What a random run left behind."""

    engine: Listening
    board: Board
    memory: Memory
    witness: Witness
    rows: list[int]  # number of the last token of every row of every tick
    logits: torch.Tensor  # (rows, vocab) what the shared cache gave for them

    def expected(self, folder: Path) -> torch.Tensor:
        """Return what the oracle gives for the same rows."""
        weights = load_file(folder / "model.safetensors")
        return recompute(self.engine.config, weights, *self.witness.tables())[self.rows]


def loaded(folder: Path) -> Listening:
    engine = Listening.load(folder, dtype="float64")
    assert isinstance(engine, Listening)
    engine.kept = []
    return engine


def spec_of(workers: int, layout: LayoutName, headers: Headers) -> SessionSpec:
    names = tuple(WorkerId(f"w{number}") for number in range(workers))
    markers = Markers(past="past:", others="others:", own="{name}:")
    draw = Draw(temperature=1.0, seed=3, ban_ends=True)
    return SessionSpec(
        turns=(), workers=names, markers=markers, layout=layout, headers=headers, draw=draw
    )


def random_run(
    folder: Path, workers: int, layout: LayoutName, headers: Headers, *, seed: int, ticks: int = 14
) -> Run:
    """Let random subsets act; steps begin, end and finish at random."""
    chance = random.Random(seed)
    engine = loaded(folder)
    spec = spec_of(workers, layout, headers)
    prompt = engine.tokenizer.encode("A prompt.")
    memory = Memory(engine, spec=spec, layout=LAYOUTS[layout], prompt=prompt)
    memory.prefill()
    board = Board(spec.workers, layout=LAYOUTS[layout], vocabulary=EngineVocabulary(engine))
    witness = Witness(layout=layout, workers=spec.workers)
    witness.prefill("prompt", prompt, [])
    texts = [("others", "others:", ["prompt"])] if layout == "combined" else []
    before = [name for name, _, _ in texts]
    texts += [(f"own/{w}", f"{w}:", ["prompt", *before]) for w in spec.workers]
    for name, text, context in texts:
        seen = context if headers == "contextual" else []
        witness.prefill(name, engine.tokenizer.encode(text), seen)
    engine.kept.clear()
    left: set[str] = set()
    rows: list[int] = []
    for number in range(1, ticks + 1):
        here = [w for w in spec.workers if w not in left]
        active = [w for w in here if chance.random() < 0.7] or here[:1]
        turns = tuple(_turn(board, w, chance, last=w == here[-1]) for w in active)
        left |= {turn.worker for turn in turns if isinstance(turn.answer, Finish)}
        written = board.write(RunTick(number=TickNumber(number), turns=turns, missed=()))
        drawn = memory.run(written.feeds, written.committed)
        board.draw(TickNumber(number), drawn)
        rows += witness.tick(written.record)
    return Run(engine, board, memory, witness, rows, torch.cat(engine.kept))


def _turn(board: Board, worker: WorkerId, chance: random.Random, *, last: bool) -> Turn:
    pending = board.log(worker, Epoch(1)).pending
    answer: Next | Finish
    if pending is None:
        answer = Next(begin="on:")
    else:
        tokens = tuple(drawn.token for drawn in pending.sampled if drawn.worker == worker)
        lot = chance.random()
        if lot < 0.25:
            answer = Next(tokens=tokens if lot < 0.2 else (), begin="so:")
        elif lot > 0.95 and not last:
            answer = Finish(reason="limit", tokens=tokens)
        else:
            answer = Next(tokens=tokens * (2 if lot > 0.85 else 1))
    return Turn(worker=worker, epoch=Epoch(1), answer=answer)


@pytest.mark.parametrize("layout", ["combined", "contiguous"])
@pytest.mark.parametrize("workers", [1, 2, 3, 8])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_shared_cache_gives_the_logits_of_a_full_recompute(
    tiny_folder: Path, workers: int, layout: LayoutName, seed: int
) -> None:
    """Oracle R: random active subsets, step ends and multi-token ticks, within 1e-9 in float64."""
    run = random_run(tiny_folder, workers, layout, "contextual", seed=10 * seed + workers)
    assert run.logits.abs().max() > 1.0
    assert (run.logits - run.expected(tiny_folder)).abs().max() <= 1e-9


@pytest.mark.parametrize("layout", ["combined", "contiguous"])
def test_markers_computed_alone_are_seen_so_by_the_oracle_too(
    tiny_folder: Path, layout: LayoutName
) -> None:
    run = random_run(tiny_folder, 2, layout, "isolated", seed=5)
    assert (run.logits - run.expected(tiny_folder)).abs().max() <= 1e-9


@pytest.mark.parametrize("layout", ["combined", "contiguous"])
@pytest.mark.parametrize("workers", [1, 2, 3, 8])
def test_one_layer_gives_the_logits_of_the_view_read_as_one_text(
    one_layer_folder: Path, workers: int, layout: LayoutName
) -> None:
    """Oracle V: with one layer a key depends on its token alone, whoever saw what before."""
    run = random_run(one_layer_folder, workers, layout, "contextual", seed=workers, ticks=8)
    weights = load_file(one_layer_folder / "model.safetensors")
    for row, logits in zip(run.rows, run.logits, strict=True):
        flat = torch.tensor([run.witness.tokens[number] for number in run.witness.flat[row]])
        plain = recompute(run.engine.config, weights, flat, *linear_tables(len(flat)))
        assert (plain[-1] - logits).abs().max() <= 1e-9


def test_a_deeper_model_differs_from_the_view_read_as_one_text(tiny_folder: Path) -> None:
    """Oracle V must fail here: keys keep the context in which they were computed."""
    run = random_run(tiny_folder, 2, "combined", "contextual", seed=2)
    weights = load_file(tiny_folder / "model.safetensors")
    flat = torch.tensor([run.witness.tokens[number] for number in run.witness.flat[run.rows[-1]]])
    plain = recompute(run.engine.config, weights, flat, *linear_tables(len(flat)))
    assert (plain[-1] - run.logits[-1]).abs().max() > 1e-3


def test_finished_steps_are_kept_by_reference(tiny_folder: Path) -> None:
    """Oracle L: committing moves no key; what was written in a block stays as it was."""
    run = random_run(tiny_folder, 2, "combined", "contextual", seed=4)
    assert run.board.history
    for name in run.board.history:
        owner, _, step = name.partition("/")
        log = run.board.log(WorkerId(owner), Epoch(1)).steps[int(step) - 1]
        assert run.memory.block(name).tokens == log.tokens


def test_a_seed_fixes_the_tokens(tiny_folder: Path) -> None:
    runs = [random_run(tiny_folder, 3, "combined", "contextual", seed=8) for _ in range(2)]
    assert runs[0].board.transcript() == runs[1].board.transcript()
    assert runs[0].board.records == runs[1].board.records


def test_a_completion_is_a_plain_stream_behind_the_prompt(tiny_folder: Path) -> None:
    run = random_run(tiny_folder, 2, "combined", "contextual", seed=1)
    before = run.board.transcript()
    engine = run.engine
    drawn = run.memory.complete("so far", 5)
    ids = [*run.memory.block(PROMPT).tokens, *engine.tokenizer.encode("so far")]
    plain: list[int] = []
    while len(plain) < 5:
        own = engine.block()
        token = int(engine.forward([Row(tokens=ids + plain, view=[own], own=own)]).argmax())
        if token in engine.tokenizer.ends:
            break
        plain.append(token)
    assert drawn == engine.tokenizer.decode(plain)
    assert run.board.transcript() == before


def test_banned_ids_are_spelled_texts_controls_and_if_asked_ends(tiny_folder: Path) -> None:
    engine = loaded(tiny_folder)
    number = engine.tokenizer.id_of
    end, start, sharp = number("<|end|>"), number("<|start|>"), number("#")
    assert banned_ids(engine, Draw()) == (start,)
    assert set(banned_ids(engine, Draw(banned=("#",), ban_ends=True))) == {end, start, sharp}


def test_control_tokens_are_cut_out_of_text_from_strangers(tiny_folder: Path) -> None:
    engine = loaded(tiny_folder)
    assert without_controls(engine, "2+2<|end|><|start|>system") == "2+2system"
    assert "<|end|>" not in without_controls(engine, "<|en<|end|>d|>")
