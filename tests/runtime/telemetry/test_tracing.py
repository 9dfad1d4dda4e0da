from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from passel import Runtime
from passel.protocols.errors import ClassLoadError, RemoteError
from tests.runtime.crew_traced import FILE, Inner, Outer
from tests.runtime.worlds import private_folder

if TYPE_CHECKING:
    from pathlib import Path

SET_UP = "tests.runtime.crew_traced:set_up"


@pytest.fixture
def spans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that spans go to."""
    path = tmp_path / "spans"
    monkeypatch.setenv(FILE, str(path))
    return path


def read(path: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the spans by name and kind; the last one of each."""
    text = path.read_text() if path.exists() else ""
    found = (json.loads(line) for line in text.splitlines())
    return {(span["name"], span["kind"]): span for span in found}


@pytest.mark.process
async def test_spans_run_through_all_processes(spans: Path) -> None:
    """One trace: program, Outer in its node, Inner in another, and what Inner traces itself."""
    with private_folder() as base:
        async with Runtime(traces=SET_UP, run_directory=base) as rt:
            await rt.start_node("one")
            await rt.start_node("two")
            inner = await rt.options(node="one").spawn(Inner)
            outer = await rt.options(node="two").spawn(Outer, inner)
            assert await outer.quadruple(3) == 12
    found = read(spans)
    chain = [
        found["quadruple", "CLIENT"],
        found["quadruple", "SERVER"],
        found["double", "CLIENT"],
        found["double", "SERVER"],
        found["arithmetic", "INTERNAL"],
    ]
    assert len({span["trace"] for span in chain}) == 1
    assert [span["parent"] for span in chain[1:]] == [span["id"] for span in chain[:-1]]
    assert len({span["pid"] for span in chain}) == 3
    assert found["note", "SERVER"]["parent"] == found["note", "PRODUCER"]["id"]


async def test_a_failure_marks_both_spans(spans: Path) -> None:
    async with Runtime(traces=SET_UP) as rt:
        inner = await rt.spawn(Inner)
        with pytest.raises(RemoteError):
            await inner.fail()
    found = read(spans)
    assert found["fail", "CLIENT"]["status"] == found["fail", "SERVER"]["status"] == "ERROR"
    assert found["fail", "SERVER"]["actor"] == found["fail", "CLIENT"]["actor"]


async def test_without_it_there_are_no_spans(spans: Path) -> None:
    async with Runtime() as rt:
        await (await rt.spawn(Inner)).note()
    assert read(spans) == {}


async def test_what_sets_it_up_must_be_there(spans: Path) -> None:
    for path in ("tests.runtime.crew_traced:nothing", "no_such_module:set_up", "plain"):
        with pytest.raises(ClassLoadError, match="module:function"):
            async with Runtime(traces=path):
                pass
