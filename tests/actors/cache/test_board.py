from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from passel.actors.cache.board import Board, Writing
from passel.actors.cache.errors import InvalidAnswerError
from passel.actors.cache.layout import LAYOUTS, OTHERS, PROMPT, Standing, own_marker, step_block
from passel.actors.cache.text import added_text
from passel.actors.cache.tick_events import RunTick, Turn
from passel.protocols.cache import (
    Answer,
    BlockId,
    Epoch,
    Fed,
    Finish,
    Next,
    Park,
    TextGrown,
    TickNumber,
    Visible,
    WorkerId,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

A, B = WorkerId("A"), WorkerId("B")
A1, A2, B1 = step_block(A, 1), step_block(A, 2), step_block(B, 1)


class Bytes:
    """One id for every byte of UTF-8; 0 ends a text."""

    size = 256
    ends = frozenset({0})

    def encode(self, text: str) -> tuple[int, ...]:
        """Return the bytes."""
        return tuple(text.encode())

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text."""
        return bytes(ids).decode(errors="replace")


def board_of(layout: str, *workers: WorkerId) -> Board:
    return Board(workers or (A, B), layout=LAYOUTS[layout], vocabulary=Bytes())


def write(board: Board, number: int = 1, **answers: Next | Finish) -> Writing:
    turns = tuple(
        Turn(worker=WorkerId(name), epoch=Epoch(1), answer=answer)
        for name, answer in answers.items()
    )
    return board.write(RunTick(number=TickNumber(number), turns=turns, missed=()))


def rows(writing: Writing) -> list[tuple[str, bytes, list[str], int | None]]:
    return [(f.block, bytes(f.tokens), list(f.view), f.place) for f in writing.feeds]


def test_the_first_tick_opens_a_step_for_everybody() -> None:
    written = write(board_of("combined"), A=Next(begin="a:"), B=Next(begin="b:"))
    assert rows(written) == [
        (A1, b"a:", [PROMPT, OTHERS, B1, own_marker(A), A1], 0),
        (B1, b"b:", [PROMPT, OTHERS, A1, own_marker(B), B1], 0),
    ]
    assert written.committed == ()


def test_a_finished_step_is_committed_with_its_last_token_in_the_tick_that_begins_the_next() -> (
    None
):
    board = board_of("combined")
    write(board, A=Next(begin="a:"), B=Next(begin="b:"))
    board.draw(TickNumber(1), {A: 46, B: 120})
    written = write(board, 2, A=Next(tokens=(46,), begin="c:"), B=Next(tokens=(120,)))
    assert rows(written) == [
        (A1, b".", [PROMPT, OTHERS, B1, own_marker(A), A1], None),
        (A2, b"c:", [PROMPT, A1, OTHERS, B1, own_marker(A), A2], 1),
        (B1, b"x", [PROMPT, A1, OTHERS, A2, own_marker(B), B1], 1),
    ]
    assert written.committed == (A1,)
    assert written.record.fed[0] == Fed(
        worker=A, epoch=Epoch(1), closing=(46,), tokens=tuple(b"c:"), begins=True
    )
    assert written.record.lengths == (Visible(worker=A, tokens=5), Visible(worker=B, tokens=3))
    assert board.transcript() == "a:.c:b:x"


def test_steps_that_end_in_one_tick_are_committed_in_the_session_s_order() -> None:
    board = board_of("combined")
    write(board, A=Next(begin="a:"), B=Next(begin="b:"))
    board.draw(TickNumber(1), {A: 46, B: 46})
    again = Next(tokens=(46,), begin="n")
    written = write(board, 2, A=again, B=again)
    assert board.history == [A1, B1]
    views = {feed.block: list(feed.view) for feed in written.feeds}
    b2 = step_block(B, 2)
    assert views[A1] == [PROMPT, B1, OTHERS, b2, own_marker(A), A1]
    assert views[A2] == [PROMPT, A1, B1, OTHERS, b2, own_marker(A), A2]


def test_in_the_contiguous_layout_workspaces_never_move() -> None:
    board = board_of("contiguous")
    write(board, A=Next(begin="a:"), B=Next(begin="b:"))
    board.draw(TickNumber(1), {A: 46, B: 120})
    written = write(board, 2, A=Next(tokens=(46,), begin="c:"), B=Next(tokens=(120,)))
    assert rows(written) == [
        (A1, b".c:", [PROMPT, B1, own_marker(A), A1], 1),
        (B1, b"x", [PROMPT, A1, own_marker(B), B1], 1),
    ]
    assert (written.committed, board.history) == ((), [])
    assert [step.text for step in board.log(A, Epoch(1)).steps] == ["a:.", "c:"]


def test_a_finishing_worker_commits_its_step_and_stays_visible() -> None:
    board = board_of("combined")
    write(board, A=Next(begin="a:"), B=Next(begin="b:"))
    board.draw(TickNumber(1), {A: 46, B: 120})
    written = write(board, 2, A=Finish(reason="limit", tokens=(46,)), B=Next(tokens=(120,)))
    assert rows(written) == [
        (A1, b".", [PROMPT, OTHERS, B1, own_marker(A), A1], None),
        (B1, b"x", [PROMPT, A1, OTHERS, own_marker(B), B1], 1),
    ]


def test_a_worker_that_sits_out_stays_visible_and_loses_nothing() -> None:
    board = board_of("combined")
    write(board, A=Next(begin="a:"), B=Next(begin="b:"))
    tick = board.draw(TickNumber(1), {A: 46, B: 120})
    written = write(board, 2, A=Next(tokens=(46,)))
    assert rows(written) == [(A1, b".", [PROMPT, OTHERS, B1, own_marker(A), A1], 1)]
    log = board.log(B, Epoch(2))
    assert (log.drawn, log.pending, log.steps[0].tokens) == (1, tick, tuple(b"b:"))


def test_marks_are_told_with_every_tick() -> None:
    board = board_of("combined")
    write(board, A=Next(begin="abc", mark=True), B=Next(begin="b"))
    assert board.draw(TickNumber(1), {A: 1, B: 1}).last_mark == 4
    write(board, 2, A=Next(tokens=(1,)))
    tick = board.draw(TickNumber(2), {A: 1})
    assert (tick.total, tick.last_mark) == (5, 4)


def test_text_grows_by_whole_characters() -> None:
    board = board_of("combined")
    write(board, A=Next(begin="a:"))
    first, second = "é".encode()
    assert board.draw(TickNumber(1), {A: first}).sampled[0].text == ""
    assert write(board, 2, A=Next(tokens=(first,))).grown == ()
    assert board.draw(TickNumber(2), {A: second}).sampled[0].text == "é"
    grown = write(board, 3, A=Next(tokens=(second,))).grown
    assert grown == (TextGrown(worker=A, step=1, text="é"),)


def test_the_pieces_of_a_text_make_the_text() -> None:
    ids = "naïve, 你好 🐗\n\nok".encode()
    pieces = [added_text(Bytes(), ids[:at], token) for at, token in enumerate(ids)]
    assert "".join(pieces) == ids.decode()


def test_an_end_token_adds_no_text() -> None:
    board = board_of("combined")
    write(board, A=Next(begin="a:"))
    drawn = board.draw(TickNumber(1), {A: 0}).sampled[0]
    assert (drawn.text, drawn.ends) == ("", True)


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (Next(tokens=(256,), begin=None), "outside 0..255"),
        (Next(tokens=(-1,)), "outside"),
        (Next(), "neither ids"),
        (Next(begin=""), "neither ids"),
        (Next(begin="x" * 5000), "longer"),
        (Next(tokens=(1,) * 5000), "longer"),
        (Next(tokens=(1,), begin="x"), "has begun none"),
        (Finish(reason="limit", tokens=(1,)), "has begun none"),
    ],
)
def test_answers_that_make_no_sense_are_refused(answer: Answer, complaint: str) -> None:
    with pytest.raises(InvalidAnswerError, match=complaint):
        board_of("combined").check(A, answer)


def test_answers_that_make_sense_are_not() -> None:
    board = board_of("combined")
    for answer in (Next(begin="x"), Park(), Finish(reason="limit"), None):
        board.check(A, answer)
    with pytest.raises(InvalidAnswerError, match="the session has A, B"):
        board.check(WorkerId("C"), Park())


# --- Oracle L: what every layout keeps ------------------------------------------------------------


@pytest.mark.parametrize("name", ["combined", "contiguous"])
@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_every_view_has_each_block_once_and_the_own_one_last(name: str, count: int) -> None:
    workers = tuple(WorkerId(f"w{number}") for number in range(count))
    current = {worker: step_block(worker, 2) for worker in workers}
    moves = LAYOUTS[name].moves_steps
    history = [step_block(worker, 1) for worker in reversed(workers)] if moves else []
    standing = Standing(history=history, current=current)
    for worker in workers:
        view = LAYOUTS[name].view(worker, current[worker], standing)
        assert view[0] == PROMPT
        assert view[-2:] == (own_marker(worker), current[worker])
        assert len(set(view)) == len(view)
        assert set(view) >= {*history, *current.values()}


def test_committing_a_step_leaves_the_places_of_later_own_tokens_unchanged() -> None:
    """The length just moves from the own block to the history in front of it."""
    lengths = {PROMPT: 50, OTHERS: 3, own_marker(A): 4, A1: 7, A2: 2, B1: 5}
    layout = LAYOUTS["combined"]

    def place(view: tuple[BlockId, ...]) -> int:
        return sum(lengths[block] for block in view)

    one = layout.view(A, A1, Standing(history=(), current={A: A1, B: B1}))
    two = layout.view(A, A2, Standing(history=(A1,), current={A: A2, B: B1}))
    assert place(two) - lengths[A2] == place(one)


@pytest.mark.parametrize("name", ["combined", "contiguous"])
def test_markers_are_prefilled_behind_what_they_need(name: str) -> None:
    ready = {PROMPT}
    for block, context in LAYOUTS[name].markers((A, B)):
        assert set(context) <= ready
        ready.add(block)
    standing = Standing(history=(), current={A: A1})
    assert set(LAYOUTS[name].view(A, A1, standing)) <= ready | {A1}
