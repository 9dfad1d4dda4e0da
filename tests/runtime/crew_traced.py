"""Actors whose calls are traced, and what sets OpenTelemetry up for them in each process."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult

from passel import Actor, ActorRef, handler

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk.trace import ReadableSpan

FILE = "PASSEL_TEST_SPANS"
"""Environment variable that names the file that all processes append their spans to."""


class FileExporter(SpanExporter):
    """Appends one line of JSON for each span."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Write spans down."""
        with open(os.environ[FILE], "a", encoding="utf-8") as file:
            file.writelines(json.dumps(facts(span)) + "\n" for span in spans)
        return SpanExportResult.SUCCESS


def facts(span: ReadableSpan) -> dict[str, Any]:
    """Return what a test wants to know of a span."""
    assert span.context is not None
    return {
        "name": span.name,
        "kind": span.kind.name,
        "trace": span.context.trace_id,
        "id": span.context.span_id,
        "parent": span.parent.span_id if span.parent else None,
        "status": span.status.status_code.name,
        "actor": (span.attributes or {}).get("passel.actor"),
        "attributes": dict(span.attributes or {}),
        "pid": os.getpid(),
    }


def set_up() -> None:
    """Export every span at once; called again it changes nothing."""
    if not isinstance(trace.get_tracer_provider(), TracerProvider):
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(FileExporter()))
        trace.set_tracer_provider(provider)


class Inner(Actor):
    """Is asked, told, and fails."""

    @handler
    async def double(self, n: int) -> int:
        with trace.get_tracer("mine").start_as_current_span("arithmetic"):
            return 2 * n

    @handler
    async def note(self) -> None:
        """Do nothing."""

    @handler
    async def fail(self) -> None:
        raise ValueError("no")


class Outer(Actor):
    """Asks another actor."""

    def __init__(self, inner: ActorRef[Inner]) -> None:
        self.inner = inner

    @handler
    async def quadruple(self, n: int) -> int:
        await self.inner.note.tell()
        return 2 * await self.inner.double(n)
