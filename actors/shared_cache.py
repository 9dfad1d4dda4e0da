"""One model and one live attention cache that a team of workers writes into and reads at once.

Hogwild! Inference (Rodionov et al., arXiv 2504.06261) in its instant mode: all active workers are one
batch; in every layer the keys and values of all their new tokens are written before anybody
attends, so workers see each other's tokens of the very same tick.

The actor owns engine, blocks and tick. Workers live elsewhere, need no model and no torch, and answer
every tick with what comes next; or they delegate their step rule, and a tick needs no round trip.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence  # noqa: TC003  # hints are read at run time
from typing import TYPE_CHECKING

from ..protocols.cache import (
    Answer,
    CacheEvent,
    Completion,
    DelegateResult,
    Epoch,
    JoinResult,
    RuleName,
    SessionId,
    SessionOpened,
    SessionSpec,
    SessionStatistics,
    Setting,
    StepResult,
    TickRecord,
    TokenLog,
    WorkerId,
)
from .actor import Actor
from .cache.board import Board
from .cache.errors import (
    CacheError,
    EmptyCompletionError,
    InvalidSessionError,
    UnknownRuleError,
    UnknownSessionError,
)
from .cache.layout import LAYOUTS, PROMPT
from .cache.live import LiveSession
from .cache.memory import EngineVocabulary, Memory, without_controls
from .cache.rules import load_rules
from .cache.ticks import TickCore
from .handler import handler
from .llm.errors import ContextLengthError
from .threads import share_cores

if TYPE_CHECKING:
    from .llm.engine import Engine

MAX_WORKERS = 8
"""Most workers of one session."""

MAX_COMPLETION_TOKENS = 1024
"""Most tokens that one completion may draw."""


class SharedCache(Actor):
    """Owns a model, the blocks of its sessions, and their ticks.

    Args:
        model: A pulled model's name, a .gguf file, or a Hugging Face folder.
        dtype: Name of a torch floating type.
        device: A torch device.
        threads: Threads torch uses in this process; None leaves them as they are.
        max_tokens: Longest view of a worker, in tokens; None for the model's context.
        rules: Step rules that workers may delegate to, each `module:Class`. No message can name
            another.
        max_sessions: Sessions that may be open at once.
    """

    def __init__(
        self,
        *,
        model: str,
        dtype: str = "float32",
        device: str = "cpu",
        threads: int | None = None,
        max_tokens: int | None = None,
        rules: Sequence[str] = (),
        max_sessions: int = 16,
    ) -> None:
        self._model = model
        self._dtype = dtype
        self._device = device
        self._threads = threads
        self._max_tokens = max_tokens
        self._max_sessions = max_sessions
        self._rules = load_rules(rules)
        self._sessions: dict[SessionId, LiveSession] = {}
        self._opened = 0
        self._opening = 0
        self._engine: Engine | None = None

    async def started(self) -> None:
        """Load the model in the actor's own thread.

        Raises:
            ModelError: It is not here, damaged, or of a kind that the engine does not run.
        """
        self._engine = await self.context.run_blocking(self._load)

    # --- Sessions --------------------------------------------------------------------------------

    @handler(concurrent=True, raises=(CacheError,))
    async def open(self, spec: SessionSpec) -> SessionOpened:
        """Open a session: compute its prompt and markers, then expect its workers.

        Raises:
            InvalidSessionError: The description makes no sense, or too many sessions are open.
        """
        self._check(spec)
        self._opened += 1
        session = SessionId(f"{self.context.name}-{self._opened}")
        began = self.context.now()
        self._opening += 1
        try:
            memory = await self.context.run_blocking(self._prefilled, spec)
        except ContextLengthError as error:
            raise InvalidSessionError(reason=f"its prompt is too long: {error}") from error
        finally:
            self._opening -= 1
        core = TickCore(
            workers=spec.workers,
            tick_deadline=spec.tick_deadline,
            join_deadline=spec.join_deadline,
            max_misses=spec.max_misses,
        )
        vocabulary = EngineVocabulary(self._loaded)
        board = Board(spec.workers, layout=LAYOUTS[spec.layout], vocabulary=vocabulary)
        live = LiveSession(session, context=self.context, core=core, board=board, memory=memory)
        self._sessions[session] = live
        live.open()
        return SessionOpened(
            session=session,
            prompt_tokens=len(memory.block(PROMPT)),
            seconds=self.context.now() - began,
        )

    @handler(raises=(CacheError,))
    async def finish(self, session: SessionId, reason: str) -> SessionStatistics:
        """End a session; whoever waits in it is told. What it wrote stays readable."""
        live = self._session(session)
        live.close(reason)
        return live.statistics()

    @handler
    async def drop(self, session: SessionId) -> None:
        """End a session and free its memory; an unknown one is no error."""
        live = self._sessions.pop(session, None)
        if live is not None:
            live.close("dropped")

    # --- Workers ---------------------------------------------------------------------------------

    @handler(concurrent=True, raises=(CacheError,))
    async def join(self, session: SessionId, worker: WorkerId) -> JoinResult:
        """Come in under a new epoch; an older life of the same worker is fenced.

        A worker that was here before is given its token log and resumes from it. Ask without a
        deadline: while a tick runs, the answer waits for its end.
        """
        return await self._session(session).join(worker)

    @handler(concurrent=True, raises=(CacheError,))
    async def step(
        self, session: SessionId, worker: WorkerId, epoch: Epoch, answer: Answer
    ) -> StepResult:
        """Answer the last tick, or the admission; returns what the next tick drew.

        Ask without a deadline: a tick waits for the whole team.

        Raises:
            InvalidAnswerError: The answer makes no sense; nothing was entered.
        """
        return await self._session(session).step(worker, epoch, answer)

    @handler(concurrent=True, raises=(CacheError,))
    async def delegate(
        self,
        session: SessionId,
        worker: WorkerId,
        epoch: Epoch,
        rule: RuleName,
        settings: dict[str, Setting],
    ) -> DelegateResult:
        """Let a rule answer for an admitted worker; returns when the worker's part is over.

        Raises:
            UnknownRuleError: The cache was not built to run `rule`.
            InvalidAnswerError: The rule's first answer makes no sense.
        """
        live = self._session(session)
        if rule not in self._rules:
            raise UnknownRuleError(rule, known=self._rules)
        return await live.delegate(worker, epoch, self._rules[rule].load(worker, settings))

    @handler(raises=(CacheError,))
    async def fence(self, session: SessionId, worker: WorkerId, reason: str) -> None:
        """Take a dead worker out: its epoch is over, its text stays visible, the others go on."""
        live = self._session(session)
        live.board.check(worker, None)
        live.lose(worker, None, reason)

    # --- Reading ---------------------------------------------------------------------------------

    @handler(raises=(CacheError,))
    async def events(self, session: SessionId) -> AsyncIterator[CacheEvent]:
        """Stream what happens in a session, from its beginning to its end."""
        async for event in self._session(session).events.follow():
            yield event

    @handler(raises=(CacheError,))
    async def log(self, session: SessionId, worker: WorkerId) -> TokenLog:
        """Return all that a worker has written, and the drawn token that is not written yet."""
        live = self._session(session)
        live.board.check(worker, None)
        return live.board.log(worker, live.core.epoch(worker))

    @handler(raises=(CacheError,))
    async def records(self, session: SessionId) -> list[TickRecord]:
        """Return who was in every tick and what was written: enough to recompute it all."""
        return list(self._session(session).board.records)

    @handler(raises=(CacheError,))
    async def transcript(self, session: SessionId) -> str:
        """Return the team's plain text: finished steps by commit, then unfinished ones."""
        return self._session(session).board.transcript()

    @handler(raises=(CacheError,))
    async def statistics(self, session: SessionId) -> SessionStatistics:
        """Return a session's counts so far."""
        return self._session(session).statistics()

    @handler(concurrent=True, raises=(CacheError,))
    async def complete(self, session: SessionId, text: str, max_tokens: int) -> Completion:
        """Continue the session's prompt with `text` as one plain stream, greedily.

        The workers' blocks are not used and not touched.

        Args:
            session: Whose prompt.
            text: Stands behind the prompt; of one that does not fit, the end is kept.
            max_tokens: Most tokens to draw, MAX_COMPLETION_TOKENS at the most.

        Raises:
            EmptyCompletionError: There is no text to continue.
        """
        live = self._session(session)
        if not text:
            raise EmptyCompletionError(session)
        tokens = min(max_tokens, MAX_COMPLETION_TOKENS)
        began = self.context.now()
        drawn = await self.context.run_blocking(live.memory.complete, text, tokens)
        return Completion(text=drawn, seconds=self.context.now() - began)

    # --- Parts -----------------------------------------------------------------------------------

    @property
    def _loaded(self) -> Engine:
        assert self._engine is not None, "loaded in started()"
        return self._engine

    def _load(self) -> Engine:
        share_cores()  # workers and leader want the same cores in every tick
        from .llm.engine import Engine  # loads torch, which reads the policy

        return Engine.load(
            self._model,
            dtype=self._dtype,
            device=self._device,
            threads=self._threads,
            max_tokens=self._max_tokens,
        )

    def _session(self, session: SessionId) -> LiveSession:
        live = self._sessions.get(session)
        if live is None:
            raise UnknownSessionError(session)
        return live

    def _check(self, spec: SessionSpec) -> None:
        names = spec.workers
        if not 1 <= len(names) <= MAX_WORKERS or len(set(names)) != len(names):
            raise InvalidSessionError(
                reason=f"it needs 1 to {MAX_WORKERS} workers of unlike names, not {list(names)}"
            )
        if any(not name or "/" in name for name in names):
            raise InvalidSessionError(reason="a worker's name is empty or has a slash")
        deadlines = {"tick_deadline": spec.tick_deadline, "join_deadline": spec.join_deadline}
        for name, seconds in deadlines.items():
            if seconds is not None and not seconds > 0:
                raise InvalidSessionError(
                    reason=f"its {name} is {seconds}, not more than 0 or None"
                )
        if spec.max_misses < 1:
            raise InvalidSessionError(reason=f"its max_misses is {spec.max_misses}, not at least 1")
        self._make_room()
        if len(self._sessions) + self._opening >= self._max_sessions:
            raise InvalidSessionError(
                reason=f"{self._max_sessions} sessions are open; drop one first"
            )

    def _make_room(self) -> None:
        """When there is no place for one more session, drop those that ended, oldest first.

        An ended one is kept for whoever reads it; its opener may have died before dropping it.
        """
        over = [session for session, live in self._sessions.items() if live.events.ended]
        excess = len(self._sessions) + self._opening + 1 - self._max_sessions
        for session in over[: max(0, excess)]:
            del self._sessions[session]

    def _prefilled(self, spec: SessionSpec) -> Memory:
        """Compute the prompt: the conversation, the assistant's turn, the marker behind it."""
        engine = self._loaded
        turns = [
            {"role": turn.role, "content": without_controls(engine, turn.content)}
            for turn in spec.turns
        ]
        rendered = engine.tokenizer.encode(engine.chat.render(turns))
        past = engine.tokenizer.encode(spec.markers.past, special=False)
        if not rendered + past:
            raise InvalidSessionError(reason="its prompt is empty")
        layout = LAYOUTS[spec.layout]
        memory = Memory(engine, spec=spec, layout=layout, prompt=rendered + past)
        memory.prefill()
        return memory
