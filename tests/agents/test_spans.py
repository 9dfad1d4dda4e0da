from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from passel import Runtime
from passel.actors.chat import ScriptedModel
from passel.actors.tools import FunctionTools
from passel.agents import spans as names
from passel.agents.compiler import Compiler
from passel.agents.spans import RecordedSpans, SpansUnavailableError, spans_for
from tests.agents.compiler.crew import TOOLS
from tests.runtime.crew_traced import FILE

if TYPE_CHECKING:
    from pathlib import Path

SET_UP = "tests.runtime.crew_traced:set_up"


async def test_a_run_has_spans_of_agent_plan_tools_and_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "spans"
    monkeypatch.setenv(FILE, str(path))
    monkeypatch.setenv(names.OPT_IN_VARIABLE, f"http, {names.OPT_IN}")
    script = ['1. echo("a")\n2. height("Atlantis")\n3. join()', "Action: Finish(a)"]
    async with Runtime(traces=SET_UP, run_directory=tmp_path / "r") as runtime:
        model = await runtime.spawn(ScriptedModel, script=list(script))
        box = await runtime.spawn(FunctionTools, functions=list(TOOLS))
        compiler = await runtime.spawn(Compiler, model=model, tools=[box])
        assert (await compiler.answer("q")).answer == "a"
    found = [json.loads(line) for line in path.read_text().splitlines()]
    spans: dict[str, dict[str, Any]] = {span["name"]: span for span in found}
    by_id = {span["id"]: span for span in found}
    agent, plan = spans["invoke_agent compiler"], spans["plan"]
    assert by_id[agent["parent"]]["name"] == "answer"
    assert plan["parent"] == agent["id"]
    echo, height = spans["execute_tool echo"], spans["execute_tool height"]
    assert echo["parent"] == plan["id"]
    assert (echo["status"], height["status"]) == ("UNSET", "ERROR")
    assert height["attributes"][names.ERROR_TYPE] == "ToolFailedError"
    assert echo["attributes"][names.TOOL_NAME] == "echo"
    assert agent["attributes"][names.OUTPUT_TOKENS] > 0
    assert by_id[spans["chat"]["parent"]]["name"] in {"invoke_agent compiler", "chat", "plan"}
    assert {span["trace"] for span in (agent, plan, echo, height)} == {agent["trace"]}


def test_spans_are_made_for_those_who_ask_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not isinstance(spans_for({}), RecordedSpans)
    assert not isinstance(spans_for({names.OPT_IN_VARIABLE: "http"}), RecordedSpans)
    assert isinstance(spans_for({names.OPT_IN_VARIABLE: names.OPT_IN}), RecordedSpans)
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(SpansUnavailableError, match=r"passel\[otel\]"):
        spans_for({names.OPT_IN_VARIABLE: names.OPT_IN})
