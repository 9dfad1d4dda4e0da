"""The vocabulary of a shared attention cache: who joins, what a tick is, what a worker answers.

A *session* is one problem that a team of workers solves on one cache. The cache decodes one token
for every active worker in each *tick*; workers say what comes next. Ids of tokens are plain ints,
text goes along with them: a worker needs no tokenizer, and no tensor travels on this path. Text
that a worker forces (a step's prefix) is tokenised by the cache alone, so that one tokenizer decides
and a worker's process cannot differ from a delegated rule.
"""

from __future__ import annotations

from typing import Literal, NewType

import msgspec

SessionId = NewType("SessionId", str)
"""Name of a session, given by the cache."""

WorkerId = NewType("WorkerId", str)
"""Name of a worker, unique in its session; it is also the name the model reads."""

Epoch = NewType("Epoch", int)
"""Which life of a worker is meant, from 1; answers of an older one are refused."""

TickNumber = NewType("TickNumber", int)
"""Number of a tick in its session, from 1; 0 where none has been run yet."""

BlockId = NewType("BlockId", str)
"""Name of a block of keys and values in its session."""

RuleName = NewType("RuleName", str)
"""Name of a step rule that the cache was built to run, `module:Class`."""

Setting = str | int | float | bool | list[str] | None
"""One value of a rule's settings."""


class Record(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A frozen message; its class name is its tag, so unions decode."""


# --- Opening a session ---------------------------------------------------------------------------


class ChatTurn(Record, frozen=True, kw_only=True):
    """One turn of the conversation that the prompt renders with the model's chat template."""

    role: Literal["system", "user", "assistant"]
    content: str


class Markers(Record, frozen=True, kw_only=True):
    """The pieces of text that stand between blocks in a worker's view.

    Attributes:
        past: Ends the prompt; finished steps follow (combined layout).
        others: Before the unfinished text of the others.
        own: After it, before the worker's own text; `{name}` is replaced by the worker's name.
    """

    past: str
    others: str
    own: str


class Draw(Record, frozen=True, kw_only=True):
    """How tokens are drawn: logits / temperature, top-k, top-p, then the coupled Gumbel argmax.

    Attributes:
        temperature: 0 is greedy.
        top_k: Kept candidates, 0 for all.
        top_p: Smallest set of this mass, 1 for all.
        seed: With it, and without misses, the tokens of a session are fixed.
        banned: Texts; every token that reads as one of them, white space aside, is never drawn.
        ban_ends: Never draw an end-of-text token either.
    """

    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    seed: int = 0
    banned: tuple[str, ...] = ()
    ban_ends: bool = False


class SessionSpec(Record, frozen=True, kw_only=True):
    """What a session needs: `workers` see `turns` and each other's text through `layout`.

    Attributes:
        turns: The conversation; the assistant's turn is opened after it.
        workers: Their names, in the order in which blocks stand in a view; 1 to 8.
        markers: Text between the blocks.
        draw: How tokens are drawn.
        layout: `combined` keeps finished steps in a common history, `contiguous` whole workspaces.
        headers: `contextual` prefills markers behind the prompt; `isolated`, as published, alone.
        tick_deadline: Seconds a tick waits for an answer; None waits for ever.
        join_deadline: Seconds the first tick waits for workers that have not joined yet.
        max_misses: Misses in a row after which a worker's epoch is fenced.
    """

    turns: tuple[ChatTurn, ...]
    workers: tuple[WorkerId, ...]
    markers: Markers
    draw: Draw = Draw()
    layout: Literal["combined", "contiguous"] = "combined"
    headers: Literal["contextual", "isolated"] = "contextual"
    tick_deadline: float | None = 2.0
    join_deadline: float | None = 60.0
    max_misses: int = 3


class SessionOpened(Record, frozen=True, kw_only=True):
    """A session was opened: its prompt is in the cache."""

    session: SessionId
    prompt_tokens: int
    seconds: float


# --- What a worker answers -----------------------------------------------------------------------


class Next(Record, frozen=True, kw_only=True):
    """Go on: `tokens` continue the current step; `begin` then ends it and opens the next.

    Attributes:
        tokens: Ids to append to the current step, as a rule the one just drawn.
        begin: When not None, the step is committed with these tokens, and a new one begins with
            this text, which the cache tokenises.
        mark: Leave a mark in the team's token count; every tick tells where the last one is.
    """

    tokens: tuple[int, ...] = ()
    begin: str | None = None
    mark: bool = False


class Park(Record, frozen=True, kw_only=True):
    """Sit out `ticks` ticks, at least one; the worker is then told the newest tick and asked again.

    When every worker sits out, the next one due is woken at once: a team never sleeps for ever. If
    all sit out again without a tick between, the next is woken a moment later.
    """

    ticks: int = 1


class Finish(Record, frozen=True, kw_only=True):
    """Leave the session; the worker's text stays visible.

    Attributes:
        reason: Why: it has the answer, the model ended its text, or a limit was met.
        tokens: Ids to append before the step is committed.
        answer: What it found. With it the whole session ends.
    """

    reason: Literal["answer", "end of text", "limit"]
    tokens: tuple[int, ...] = ()
    answer: str | None = None


Answer = Next | Park | Finish
"""What a worker says to a tick."""


# --- What a worker is told -----------------------------------------------------------------------


class Sampled(Record, frozen=True, kw_only=True):
    """One token was drawn for `worker`.

    Attributes:
        worker: Whose token it is.
        token: Its id.
        text: The text it adds; empty while a character is incomplete.
        ends: Whether it is one of the model's end-of-text tokens.
    """

    worker: WorkerId
    token: int
    text: str
    ends: bool = False


class Visible(Record, frozen=True, kw_only=True):
    """How many tokens of `worker` the cache holds, prefixes included."""

    worker: WorkerId
    tokens: int


class Tick(Record, frozen=True, kw_only=True):
    """The result of one tick, the same record for every worker in it.

    Attributes:
        number: Which tick.
        sampled: The tokens drawn, one for each worker that took part.
        lengths: Tokens in the cache of every worker, after this tick's writes.
        total: Tokens that all workers have written so far.
        last_mark: `total` when the last mark was left, 0 without one.
    """

    number: TickNumber
    sampled: tuple[Sampled, ...]
    lengths: tuple[Visible, ...]
    total: int
    last_mark: int = 0


class StepLog(Record, frozen=True, kw_only=True):
    """One step of a worker.

    Attributes:
        tokens: The ids in the cache.
        text: Their text.
        finished: Whether it was committed.
        forced: How many ids, from the first on, came from the text that began it.
    """

    tokens: tuple[int, ...]
    text: str
    finished: bool
    forced: int = 0


class TokenLog(Record, frozen=True, kw_only=True):
    """All that one worker has written; a restarted worker resumes from it.

    Attributes:
        worker: Whose log it is.
        epoch: Its current epoch.
        steps: Its steps, oldest first.
        drawn: How many tokens were drawn for it.
        pending: The drawn token that is not yet in the cache, with the tick that drew it.
    """

    worker: WorkerId
    epoch: Epoch
    steps: tuple[StepLog, ...]
    drawn: int = 0
    pending: Tick | None = None


class Joined(Record, frozen=True, kw_only=True):
    """The worker is in, under `epoch`; `log` is empty unless it was here before."""

    epoch: Epoch
    log: TokenLog


class Fenced(Record, frozen=True, kw_only=True):
    """The sender's epoch is over: the answer was refused. Join again to go on."""

    epoch: Epoch
    reason: str


class Closed(Record, frozen=True, kw_only=True):
    """The session is over; no tick will follow.

    Attributes:
        reason: Why.
        answer: What was found, if anything.
        found_by: Who found it.
        failed: Whether the model failed; a view that outgrew its context is no failure.
    """

    reason: str
    answer: str | None = None
    found_by: WorkerId | None = None
    failed: bool = False


class WorkerFinished(Record, frozen=True, kw_only=True):
    """A worker left the session by its own `Finish`."""

    worker: WorkerId
    reason: str
    answer: str | None = None


StepResult = Tick | WorkerFinished | Fenced | Closed
"""What an answer is answered with."""

DelegateResult = WorkerFinished | Fenced | Closed
"""How a delegated rule ends."""

JoinResult = Joined | Fenced | Closed
"""How a join ends."""


# --- What the cache records and tells to listeners -----------------------------------------------


class Fed(Record, frozen=True, kw_only=True):
    """What one worker wrote in a tick: `closing` ends its old step, `tokens` are in the current.

    Attributes:
        worker: Who.
        epoch: Under which epoch.
        closing: Ids that ended the step before, which was committed before this tick's attention.
        tokens: Ids in the step that goes on or begins; empty when the worker finished.
        begins: Whether `tokens` opened a new step.
    """

    worker: WorkerId
    epoch: Epoch
    closing: tuple[int, ...] = ()
    tokens: tuple[int, ...] = ()
    begins: bool = False


class TickRecord(Record, frozen=True, kw_only=True):
    """What happened in a tick: enough to recompute it.

    Attributes:
        number: Which tick.
        fed: The active set and what each wrote, in the order of the session's workers.
        missed: Workers that were waited for and sat the tick out.
        lengths: Tokens in the cache of every worker, after this tick's writes.
    """

    number: TickNumber
    fed: tuple[Fed, ...]
    missed: tuple[WorkerId, ...]
    lengths: tuple[Visible, ...]


class TextGrown(Record, frozen=True, kw_only=True):
    """The text of `worker` grew by `text`; `step` counts its steps from 1."""

    worker: WorkerId
    step: int
    text: str


class WorkerFenced(Record, frozen=True, kw_only=True):
    """A worker's epoch was fenced; its text stays visible.

    Attributes:
        worker: Whose.
        epoch: Which.
        reason: Why, in words.
        slow: Whether it lives, as far as is known, and was only too slow.
    """

    worker: WorkerId
    epoch: Epoch
    reason: str
    slow: bool = False


class WorkerJoined(Record, frozen=True, kw_only=True):
    """A worker joined under `epoch`; from 2 on it has resumed from its token log."""

    worker: WorkerId
    epoch: Epoch


CacheEvent = TextGrown | WorkerJoined | WorkerFenced | WorkerFinished | Closed
"""What listeners of a session are told."""


class Completion(Record, frozen=True, kw_only=True):
    """What a plain single stream wrote behind a session's prompt, and how many seconds it took."""

    text: str
    seconds: float


class SessionStatistics(Record, frozen=True, kw_only=True):
    """Counts of one session.

    Attributes:
        ticks: Ticks run.
        drawn: Tokens drawn.
        written: Tokens in the cache beside the prompt and markers.
        refused: Answers of fenced epochs that were refused.
        misses: Answers that came too late for their tick.
        fenced: Epochs fenced.
        forward_seconds: Time spent in the model.
        seconds: From the first tick's start to the last tick's end.
    """

    ticks: int
    drawn: int
    written: int
    refused: int
    misses: int
    fenced: int
    forward_seconds: float
    seconds: float
