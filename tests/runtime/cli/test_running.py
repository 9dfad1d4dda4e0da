from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from passel import Runtime
from passel.runtime.cli import exits
from passel.runtime.topology import ActorSpec, Main, NodeSpec, Topology

if TYPE_CHECKING:
    from .conftest import Host
else:
    Host = Any

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[2] / "examples"

pytestmark = pytest.mark.process


def test_run_prints_the_result_and_leaves_nothing(host: Host) -> None:
    done = host.run("run", "calls.yaml")
    assert (done.returncode, done.stdout) == (exits.OK, "200\n"), done.stderr
    assert done.stderr.startswith("calls: starting 1 process\n")
    assert "calls: running" in done.stderr
    assert host.left_over() == []


def test_run_prints_one_object_a_line(host: Host) -> None:
    done = host.run("run", "calls.yaml", "--json", "--name", "mine", "--set", "params.rounds=3")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    phases = [line["phase"] for line in lines if line["kind"] == "phase"]
    assert phases[1] == "running"
    assert phases[-1] == "stopped"
    assert {"kind": "result", "result": 3} in lines
    assert all(line["runtime"] == "mine" for line in lines if line["kind"] == "phase")


def test_a_stream_is_shown_as_it_comes(host: Host) -> None:
    words = ["--set", "params.ask=talk", "--set", "params.args={words: 3}"]
    done = host.run("run", "calls.yaml", *words)
    assert done.stdout.splitlines() == [
        "Alice | word0 word1 word2",
        "Bob | word0 word1 word2",
        "answer: 42",
        "known: 42",
    ]


def test_a_reader_that_leaves_ends_the_run_quietly(host: Host) -> None:
    words = ["--set", "params.ask=talk", "--set", "params.args={words: 100000}"]
    process = host.start("run", "calls.yaml", *words)
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline().startswith("Alice | word0")
    process.stdout.close()
    assert process.wait(20) == exits.OK
    assert "Error" not in process.stderr.read()
    assert host.left_over() == []


def test_a_main_that_raises_ends_with_one_and_both_tracebacks(host: Host) -> None:
    done = host.run("run", "calls.yaml", "--set", "params.ask=fail", "--set", "params.args={}")
    assert done.returncode == exits.FAILED
    assert "broken on purpose" in done.stderr
    assert "cli_actors.py" in done.stderr
    assert host.left_over() == []


@pytest.mark.parametrize("where", ["side", "leader"])
def test_a_tell_that_fails_is_shown_with_its_traceback_when_it_happens(
    host: Host, where: str
) -> None:
    node = "null" if where == "leader" else where
    words = ["--set", "params.ask=tell_off", "--set", "params.args={}"]
    done = host.run("run", "calls.yaml", *words, "--set", f"actors.counter.node={node}")
    assert (done.returncode, done.stdout) == (exits.OK, "1\n"), done.stderr
    before, found, after = done.stderr.partition(f"actor={where}/counter")
    assert found
    assert before.rstrip().endswith("actor failed")
    assert "tell fail from leader/caller" in after
    assert 'raise ValueError("broken on purpose")' in after
    assert "\nValueError: broken on purpose\n" in after


def test_a_declared_error_of_main_is_said_too(host: Host) -> None:
    done = host.run("run", "calls.yaml", "--set", "params.ask=miss", "--set", "params.args={}")
    assert done.returncode == exits.FAILED
    assert done.stderr.splitlines()[-1] == "error: KeyError: 'key'"


@pytest.mark.parametrize("where", ["side", "leader"])
def test_an_actor_that_does_not_start_is_told_once_and_where(host: Host, where: str) -> None:
    said = f"actor {where}/counter (cli_actors:Counter) could not be started: "
    node = "null" if where == "leader" else where
    words = ["run", "calls.yaml", "--set", f"actors.counter.node={node}"]
    words += ["--set", "actors.counter.args={start: -1}"]
    done = host.run(*words)
    assert done.returncode == exits.FAILED
    assert said + "ValueError: a count below zero (" in done.stderr
    assert re.search(r"cli_actors\.py:\d+, in _checked\)", done.stderr)
    assert done.stderr.count("a count below zero") == 2, "the sentence, and the line of its code"
    assert "spawning.py" not in done.stderr
    assert "(more with --traceback)" in done.stderr
    whole = host.run(*words, "--traceback").stderr
    assert "in __init__" in whole
    assert "spawning.py" in whole
    assert whole.count('raise ValueError("a count below zero")') == 1
    assert host.left_over() == []


@pytest.mark.parametrize(
    ("words", "code", "error", "message"),
    [
        (["--set", "params.rounds=1000000", "--timeout", "0.3"], exits.FAILED, "DeadlineError", "main waited 0.3 s"),
        (["--set", "actors.counter.args={start: -1}"], exits.FAILED, "SpawnError", "a count below zero"),
        (["--set", "actors.counter.args={start: many}"], exits.USAGE, "ActorArgumentsError", "expected int"),
        (["--set", "params.ask=miss", "--set", "params.args={}"], exits.FAILED, "KeyError", "'key'"),
    ],
)  # fmt: skip
def test_json_lines_end_with_what_failed(
    host: Host, words: list[str], code: int, error: str, message: str
) -> None:
    done = host.run("run", "calls.yaml", "--json", *words)
    last = json.loads(done.stdout.splitlines()[-1])
    assert (done.returncode, last["kind"], last["error"]) == (code, "error", error), done.stderr
    assert message in last["message"]
    assert message in done.stderr


def test_what_does_not_fit_is_not_started_at_all(host: Host) -> None:
    done = host.run("run", "calls.yaml", "--set", "nodes.side.count=2")
    assert done.returncode == exits.OK
    done = host.run("run", "calls.yaml", "--set", "actors.counter.args={start: many}")
    assert done.returncode == exits.USAGE
    assert "actors.counter.args.start" in done.stderr
    assert host.left_over() == []


def test_main_has_a_limit_when_the_user_sets_one(host: Host) -> None:
    done = host.run("run", "calls.yaml", "--set", "params.rounds=1000000", "--timeout", "0.3")
    assert done.returncode == exits.FAILED
    assert "main waited 0.3 s" in done.stderr
    assert host.left_over() == []


def test_lazy_refs_reach_an_actor_that_started_later(host: Host) -> None:
    done = host.run("run", "circle.yaml")
    assert (done.returncode, done.stdout) == (exits.OK, "lonely\n"), done.stderr


def test_a_running_topology_can_be_seen_asked_read_and_stopped(host: Host) -> None:
    first = host.serve("serving.yaml")
    second = host.serve("serving.yaml", "--name", "other")
    rows = json.loads(host.run("ps", "--json").stdout)
    assert [row["name"] for row in rows] == ["serving", "other"]
    actors = {a["name"]: n["node"] for n in rows[0]["nodes"] for a in n["actors"]}
    assert actors == {"home": "leader", "counter": "side"}
    (group,) = rows[0]["groups"]
    assert (group["name"], group["state"], group["members"]) == (
        "pair",
        "running",
        {"counter": "up"},
    )
    shown = host.run("ps", "serving").stdout
    assert "group pair (one_for_one) running, 1 member, restarts 0" in shown
    assert host.run("ask", "serving", "counter", "add", "3").stdout == "5\n"
    assert host.run("ask", "serving", "counter", "add", "n=1", "times=2").stdout == "7\n"
    assert host.run("ask", "other", "counter", "add", "0").stdout == "2\n"
    items = host.run("ask", "serving", "home", "ticks", "2", "--json").stdout
    assert items == '{"tick": 0}\n{"tick": 1}\n'
    failed = host.run("ask", "serving", "counter", "fail")
    whole = host.run("ask", "serving", "counter", "fail", "--traceback")
    assert "in _ask" in whole.stderr
    assert "in _ask" not in failed.stderr
    assert failed.returncode == exits.FAILED
    assert "broken on purpose" in failed.stderr
    missing = host.run("ask", "serving", "countre", "add")
    assert missing.returncode == exits.NOT_FOUND
    assert 'did you mean "counter"?' in missing.stderr
    assert "side | " in host.run("logs", "serving", "side").stdout
    assert len(host.run("logs", "serving", "counter").stdout.splitlines()) >= 2
    nobody = host.run("logs", "serving", "nobody")
    assert (nobody.returncode, nobody.stdout) == (exits.NOT_FOUND, "")
    assert "nodes: side; actors: counter, home" in nobody.stderr
    quiet = host.run("logs", "serving", "home")
    assert (quiet.returncode, quiet.stdout) == (exits.OK, "")
    assert "no line of a node's log names home" in quiet.stderr
    stopped = host.run("stop", "serving")
    assert stopped.returncode == exits.OK
    assert first.wait(5) == exits.TERMINATED
    assert host.run("stop", f"other-{second.pid}").returncode == exits.OK
    assert second.wait(5) == exits.TERMINATED
    assert host.left_over() == []


def test_a_node_that_does_not_answer_is_shown_so(host: Host) -> None:
    server = host.serve("serving.yaml", "--set", "node_silence=60")
    pids = {n["node"]: n["pid"] for n in json.loads(host.run("ps", "--json").stdout)[0]["nodes"]}
    os.kill(pids["side"], signal.SIGSTOP)
    try:
        shown = host.run("ps").stdout
        nodes = json.loads(host.run("ps", "--json").stdout)[0]["nodes"]
    finally:
        os.kill(pids["side"], signal.SIGCONT)
    assert shown.splitlines()[-1] == "    does not answer"
    assert {n["node"]: n["answers"] for n in nodes} == {"leader": True, "side": False}
    server.send_signal(signal.SIGTERM)
    assert server.wait(20) == exits.TERMINATED


def test_a_node_that_is_suspected_is_shown_so(host: Host) -> None:
    server = host.serve("serving.yaml", "--set", "node_silence=40")
    pids = {n["node"]: n["pid"] for n in json.loads(host.run("ps", "--json").stdout)[0]["nodes"]}
    os.kill(pids["side"], signal.SIGSTOP)
    try:
        host.run("ps")  # it waits for an answer for longer than it takes to suspect a node
        states = {
            node["node"]: node.get("state", "alive")
            for node in json.loads(host.run("ps", "--json").stdout)[0]["nodes"]
        }
    finally:
        os.kill(pids["side"], signal.SIGCONT)
    assert states == {"leader": "alive", "side": "suspected"}
    server.send_signal(signal.SIGTERM)
    assert server.wait(20) == exits.TERMINATED


def test_a_name_that_several_have_is_refused(host: Host) -> None:
    processes = [host.serve("serving.yaml") for _ in range(2)]
    done = host.run("stop", "serving")
    assert done.returncode == exits.NOT_FOUND
    for process in processes:
        assert f"serving-{process.pid}" in done.stderr
        assert host.run("stop", f"serving-{process.pid}").returncode == exits.OK
    assert host.left_over() == []


def test_following_a_log_ends_with_the_runtime(host: Host) -> None:
    server = host.serve("serving.yaml")
    follower = host.start("logs", "serving", "-f")
    host.run("ask", "serving", "counter", "add", "3")
    assert follower.stdout is not None
    assert "added" in follower.stdout.readline()
    server.send_signal(signal.SIGINT)
    assert server.wait(10) == exits.INTERRUPTED
    assert follower.wait(5) == exits.OK


def test_a_new_project_runs_at_once(host: Host, tmp_path: Path) -> None:
    project = tmp_path / "crew"
    assert host.run("new", str(project)).returncode == exits.OK
    done = host.run("run", str(project / "topology.yaml"))
    assert done.returncode == exits.OK, done.stderr
    assert "Hello, Grace!" in done.stdout
    test = host.run_python("-m", "pytest", "-q", "-p", "no:cacheprovider", ".", cwd=project)
    assert test.returncode == 0, test.stdout


def test_the_pipeline_example_survives_its_accident(host: Host) -> None:
    done = host.run("run", str(EXAMPLES / "pipeline.yaml"), "--set", "params.files=15")
    assert done.returncode == exits.OK, done.stderr
    assert "equals a plain count: true" in done.stdout
    assert "accidents: 1" in done.stdout
    assert "SIGKILL" in done.stdout
    assert host.left_over() == []


def test_the_pipeline_example_refuses_a_folder_without_texts(host: Host, tmp_path: Path) -> None:
    for folder, what in ((tmp_path / "none", "is no folder"), (tmp_path, "holds no *.py file")):
        words = ["--set", f"params.folder={folder}", "--set", "params.workers=1"]
        done = host.run("run", str(EXAMPLES / "pipeline.yaml"), *words)
        assert (done.returncode, done.stdout) == (exits.FAILED, "")
        assert f"error: FileNotFoundError: {folder} {what}; set params.folder" in done.stderr


def test_the_counter_example_counts(host: Host) -> None:
    done = host.run_python(str(EXAMPLES / "counter.py"))
    assert (done.returncode, done.stdout) == (0, "7\n34\n"), done.stderr
    assert host.left_over() == []


def test_a_program_embeds_a_topology(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setenv("PASSEL_RUN_DIR", str(host.base))

    async def program() -> tuple[int, list[object]]:
        overrides = {"params.rounds": 5}
        async with Runtime.from_topology(HERE / "calls.yaml", overrides) as runtime:
            answer = await runtime.main()
        talk = {"params.ask": "talk", "params.args": {"words": 1}}
        async with Runtime.from_topology(HERE / "calls.yaml", talk) as runtime:
            return answer, [event async for event in runtime.stream_main()]

    answer, events = asyncio.run(program())
    assert answer == 5
    assert events[-1] == {"answer": "42", "known": "42"}
    assert host.left_over() == []


def test_a_program_builds_its_topology_in_python(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [str(HERE), *sys.path])
    monkeypatch.setenv("PASSEL_RUN_DIR", str(host.base))
    topology = Topology(
        name="made",
        nodes={"side": NodeSpec(count=2)},
        actors={
            "counter": ActorSpec(cls="cli_actors:Counter", node="side", replicas=2),
            "caller": ActorSpec(cls="cli_actors:Caller", args={"counter": {"ref": "counter-1"}}),
        },
        main=Main(actor="caller", ask="go", args={"rounds": 7}),
    )

    async def program() -> object:
        async with Runtime.from_topology(topology) as runtime:
            return await runtime.main()

    assert asyncio.run(program()) == 7


def test_a_node_starts_without_the_command_line_libraries(host: Host) -> None:
    code = (
        "import sys; sys.argv = ['passel', 'node']\n"
        "from passel.__main__ import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'typer', 'networkx', 'numpy', 'yaml', 'torch', 'rich'} & set(sys.modules)\n"
        "sys.exit(f'loaded: {sorted(heavy)}' if heavy else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=host.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=20, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_the_run_directory_is_private(host: Host) -> None:
    server = host.serve("serving.yaml")
    (folder,) = host.base.iterdir()
    assert os.stat(folder).st_mode & 0o077 == 0
    server.send_signal(signal.SIGTERM)
    assert server.wait(10) == exits.TERMINATED


def test_durable_state_is_resumed_or_discarded_and_never_met_unasked(
    host: Host, tmp_path: Path
) -> None:
    words = ["run", "durable.yaml", "--state", str(tmp_path / "state")]
    assert host.run(*words).stdout == "3\n"
    refused = host.run(*words)
    assert refused.returncode != exits.OK
    assert "--resume" in refused.stderr
    assert "--discard-state" in refused.stderr
    assert host.run(*words, "--resume").stdout == "6\n"
    assert host.run(*words, "--discard-state").stdout == "3\n"
