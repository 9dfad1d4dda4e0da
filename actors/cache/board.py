"""What was written: every worker's steps, the common history, and what a tick feeds to the model.

The board knows names of blocks, ids and text; keys and values are somebody else's. It takes the
turns of a tick and says which ids go into which block under which view; then it takes the drawn
ids and says what the workers are told.

A finished step is committed *with* its last token: that token and the first tokens of the next step
go through the model in the same tick, as two rows of one worker. (The published code moves the step
without it, and feeds it as the first token of the next.)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...protocols.cache import (
    Answer,
    BlockId,
    Epoch,
    Fed,
    Finish,
    Next,
    Park,
    Sampled,
    StepLog,
    TextGrown,
    Tick,
    TickNumber,
    TickRecord,
    TokenLog,
    Visible,
    WorkerId,
)
from .errors import InvalidAnswerError
from .layout import Layout, Standing, step_block
from .text import Vocabulary, added_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .tick_events import RunTick, Turn

MAX_ANSWER_TOKENS = 4096
"""Most ids, or characters of a prefix, in one answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """One row for the model: append `tokens` to `block`, seen through `view`.

    Attributes:
        worker: Whose row it is.
        block: Where the tokens go; the last of `view`.
        tokens: Their ids, at least one.
        view: All visible blocks in order.
        place: Which of the worker's tokens is drawn from the row's last logits, counted from 0;
            None when none is.
    """

    worker: WorkerId
    block: BlockId
    tokens: tuple[int, ...]
    view: tuple[BlockId, ...]
    place: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """A tick about to run: its rows, its record, the text it shows, and steps that are now whole."""

    feeds: tuple[Feed, ...]
    record: TickRecord
    grown: tuple[TextGrown, ...]
    committed: tuple[BlockId, ...]


@dataclass(slots=True)
class _Step:
    block: BlockId
    tokens: list[int] = field(default_factory=list)
    text: str = ""
    finished: bool = False
    forced: int = 0


@dataclass(slots=True)
class _Pen:
    """All that one worker has written."""

    steps: list[_Step] = field(default_factory=list)
    drawn: int = 0
    pending: Tick | None = None

    @property
    def current(self) -> _Step | None:
        return self.steps[-1] if self.steps and not self.steps[-1].finished else None

    @property
    def written(self) -> int:
        return sum(len(step.tokens) for step in self.steps)


class Board:
    """Keeps what a team has written and plans what the model sees next.

    Args:
        workers: Names in the session's order.
        layout: How blocks stand in a view.
        vocabulary: The one tokenizer of the session.
    """

    def __init__(
        self, workers: tuple[WorkerId, ...], *, layout: Layout, vocabulary: Vocabulary
    ) -> None:
        self.workers = workers
        self.history: list[BlockId] = []
        self.records: list[TickRecord] = []
        self._layout = layout
        self._vocabulary = vocabulary
        self._pens = {worker: _Pen() for worker in workers}
        self._last_mark = 0

    # --- Questions -------------------------------------------------------------------------------

    @property
    def total(self) -> int:
        """Tokens that all workers have in the cache."""
        return sum(pen.written for pen in self._pens.values())

    @property
    def drawn(self) -> int:
        """Tokens drawn for all workers."""
        return sum(pen.drawn for pen in self._pens.values())

    def lengths(self) -> tuple[Visible, ...]:
        """Return how many tokens of each worker are in the cache."""
        return tuple(
            Visible(worker=worker, tokens=pen.written) for worker, pen in self._pens.items()
        )

    def log(self, worker: WorkerId, epoch: Epoch) -> TokenLog:
        """Return all that `worker` has written, for its next life."""
        pen = self._pens[worker]
        steps = tuple(
            StepLog(
                tokens=tuple(step.tokens),
                text=step.text,
                finished=step.finished,
                forced=step.forced,
            )
            for step in pen.steps
        )
        return TokenLog(
            worker=worker, epoch=epoch, steps=steps, drawn=pen.drawn, pending=pen.pending
        )

    def transcript(self) -> str:
        """Return the plain text of the team: finished steps by commit, then unfinished ones."""
        by_block: dict[BlockId, str] = {}
        for pen in self._pens.values():
            for step in pen.steps:
                by_block[step.block] = by_block.get(step.block, "") + step.text
        unfinished = [block for block in by_block if block not in self.history]
        return "".join(by_block[block] for block in [*self.history, *unfinished])

    def check(self, worker: WorkerId, answer: Answer | None) -> None:
        """Refuse an answer, or a name, that makes no sense, before it can spoil a tick.

        Raises:
            InvalidAnswerError: It names an unknown worker or id, is empty, or too long.
        """
        if worker not in self._pens:
            raise InvalidAnswerError(worker, reason=f"the session has {', '.join(self.workers)}")
        if answer is None or isinstance(answer, Park):
            return
        size = self._vocabulary.size
        if any(not 0 <= token < size for token in answer.tokens):
            raise InvalidAnswerError(worker, reason=f"an id lies outside 0..{size - 1}")
        begin = answer.begin if isinstance(answer, Next) else None
        if len(answer.tokens) + len(begin or "") > MAX_ANSWER_TOKENS:
            raise InvalidAnswerError(worker, reason=f"it is longer than {MAX_ANSWER_TOKENS}")
        if begin == "" or (isinstance(answer, Next) and begin is None and not answer.tokens):
            raise InvalidAnswerError(worker, reason="it has neither ids nor a step to begin")
        if answer.tokens and self._pens[worker].current is None:
            raise InvalidAnswerError(worker, reason="it continues a step, but has begun none")

    # --- A tick ----------------------------------------------------------------------------------

    def write(self, tick: RunTick) -> Writing:
        """Enter the turns of a tick; return the rows that the model must now run.

        Views are taken after all turns are entered: every row sees what every other row writes.
        """
        history = len(self.history)
        before = {worker: self._pens[worker].current for worker in self.workers}
        grown = [event for turn in tick.turns for event in self._enter(turn)]
        fed = tuple(self._fed(turn, before[turn.worker]) for turn in tick.turns)
        feeds = tuple(feed for record in fed for feed in self._rows(record, before[record.worker]))
        if any(isinstance(turn.answer, Next) and turn.answer.mark for turn in tick.turns):
            self._last_mark = self.total
        record = TickRecord(number=tick.number, fed=fed, missed=tick.missed, lengths=self.lengths())
        self.records.append(record)
        committed = tuple(self.history[history:])
        return Writing(feeds=feeds, record=record, grown=tuple(grown), committed=committed)

    def draw(self, number: TickNumber, drawn: Mapping[WorkerId, int]) -> Tick:
        """Enter the ids that were drawn in a tick; return what its workers are told."""
        sampled = tuple(
            Sampled(
                worker=worker,
                token=token,
                text=self._added(worker, token),
                ends=token in self._vocabulary.ends,
            )
            for worker, token in drawn.items()
        )
        tick = Tick(
            number=number,
            sampled=sampled,
            lengths=self.lengths(),
            total=self.total,
            last_mark=self._last_mark,
        )
        for worker in drawn:
            self._pens[worker].drawn += 1
            self._pens[worker].pending = tick
        return tick

    def conclude(self, worker: WorkerId, finish: Finish) -> tuple[TextGrown, ...]:
        """Note the last words of a worker that ends without another tick: text only, no keys."""
        pen = self._pens[worker]
        return self._append(worker, finish.tokens) if pen.current is not None else ()

    # --- Parts -----------------------------------------------------------------------------------

    def _enter(self, turn: Turn) -> list[TextGrown]:
        pen = self._pens[turn.worker]
        pen.pending = None
        grown = list(self._append(turn.worker, turn.answer.tokens))
        begin = turn.answer.begin if isinstance(turn.answer, Next) else None
        if pen.current is not None and (begin is not None or isinstance(turn.answer, Finish)):
            pen.current.finished = True
            if self._layout.moves_steps:
                self.history.append(pen.steps[-1].block)
        if begin is not None:
            number = len(pen.steps) + 1 if self._layout.moves_steps else 1
            step = _Step(block=step_block(turn.worker, number), text=begin)
            step.tokens.extend(self._vocabulary.encode(begin))
            step.forced = len(step.tokens)
            pen.steps.append(step)
            grown.append(TextGrown(worker=turn.worker, step=len(pen.steps), text=begin))
        return grown

    def _append(self, worker: WorkerId, tokens: Sequence[int]) -> tuple[TextGrown, ...]:
        pen = self._pens[worker]
        text = ""
        for token in tokens:
            assert pen.current is not None, "checked before"
            text += self._added(worker, token)
            pen.current.tokens.append(token)
        if not text:
            return ()
        pen.steps[-1].text += text
        return (TextGrown(worker=worker, step=len(pen.steps), text=text),)

    def _added(self, worker: WorkerId, token: int) -> str:
        steps = self._pens[worker].steps
        if token in self._vocabulary.ends:
            return ""
        return added_text(self._vocabulary, steps[-1].tokens if steps else (), token)

    def _fed(self, turn: Turn, old: _Step | None) -> Fed:
        step = self._pens[turn.worker].current
        begins = step is not None and step is not old
        leaves = begins or isinstance(turn.answer, Finish)
        tokens = turn.answer.tokens
        if begins:
            assert step is not None
            tokens = tuple(step.tokens)
        return Fed(
            worker=turn.worker,
            epoch=turn.epoch,
            closing=turn.answer.tokens if leaves else (),
            tokens=() if isinstance(turn.answer, Finish) else tokens,
            begins=begins,
        )

    def _rows(self, fed: Fed, old: _Step | None) -> list[Feed]:
        """Return the rows of one worker: one, or two when a step ends and the next begins."""
        pen = self._pens[fed.worker]
        parts: list[tuple[BlockId, tuple[int, ...], int | None]] = []
        place = pen.drawn if fed.tokens else None
        block = pen.steps[-1].block if pen.steps else None
        if old is not None and old.block == block:
            parts.append((old.block, fed.closing + fed.tokens, place))
        else:
            if old is not None:
                parts.append((old.block, fed.closing, None))
            if block is not None:
                parts.append((block, fed.tokens, place))
        standing = self._standing()
        return [
            Feed(
                worker=fed.worker,
                block=own,
                tokens=tokens,
                view=self._layout.view(fed.worker, own, standing),
                place=drawn,
            )
            for own, tokens, drawn in parts
            if tokens
        ]

    def _standing(self) -> Standing:
        current = {
            worker: pen.steps[-1].block
            for worker, pen in self._pens.items()
            if pen.steps and pen.steps[-1].block not in self.history
        }
        return Standing(history=tuple(self.history), current=current)
