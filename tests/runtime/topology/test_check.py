from __future__ import annotations

import pytest

from passel.runtime.topology import (
    ActorClassError,
    ActorSpec,
    Main,
    NodeSpec,
    Topology,
    WiringError,
    check,
    parse_topology,
    plan,
    require_sound,
)
from passel.runtime.topology.classes import check_by_classes


def test_a_sound_topology_has_no_problems(sound: str) -> None:
    assert check(parse_topology(sound)) == []


@pytest.mark.parametrize(
    ("old", "new", "kind", "said"),
    [
        ("node: team", "node: taem", "wiring", 'crew.yaml:15:5: actors.worker.node: no node is called "taem"; did you mean "team"?'),
        ("node: team", "node: team-0", "wiring", 'write "team"; replicas go round'),
        ("{refs: worker}", "{ref: worker}", "wiring", '"worker" has replicas; write {refs: worker} or {pool: worker} for all, {ref: worker-0} for one'),
        ("max_restarts: 2", "group: crew, max_restarts: 2", "wiring", 'actors.worker.supervise.group: no group is called "crew"'),
        ("max_restarts: 2", "on_failure: {TimeoutErorr: stop}", "class", 'crew.yaml:18:30: warning: actors.worker.supervise.on_failure.TimeoutErorr: no error called "TimeoutErorr" is loaded; did you mean "TimeoutError"?'),
        ("max_restarts: 2", "on_failure: {Q: stop}", "class", "is loaded; import it where the class of its actor is defined"),
        ("max_restarts: 2", "on_failure: {msgspec.ValidationError: stop}", "class", "no name of an error class; write the class alone"),
        ("max_restarts: 2", "on_failure: {ValidationError: stop, MailboxFullError: resume}", "", ""),
        ("{ref: store}", "{refs: store}", "wiring", '"store" is one actor; write {ref: store}'),
        ("{ref: store}", "{ref: stroe}", "wiring", 'crew.yaml:17:12: actors.worker.args.store: no actor is called "stroe"'),
        ("{ref: store}", "{ref: store, lazy: maybe}", "wiring", "this is no reference"),
        ("{ref: store}}", "{ref: store}, boss: {ref: boss}}", "wiring", "refs run in a circle: worker -> boss -> worker; add `lazy: true`"),
        ("${size}, ", "${size}, self: {ref: store}, ", "wiring", "refs run in a circle: store -> store"),
        ("crew:Store", "crew:Stoer", "class", 'module "topology_crew" has no "Stoer"; did you mean "Store"?'),
        ("crew:Store", "crew:NotAnActor", "class", '"NotAnActor" is no actor; derive it from passel.Actor'),
        ("topology_crew:Store", "topology_creww:Store", "class", 'there is no module "topology_creww"'),
        ("capacity: 64", "durable: true", "class", "Store has no snapshot and no restore; define both"),
        ("size: ${size}", "sise: ${size}", "arguments", 'Store takes no argument "sise"; did you mean "size"?'),
        ("size: ${size},", "", "arguments", 'Store needs the argument "size"; add "size:" to its args'),
        ("size: ${size}", "size: many", "arguments", "Store: expected int, got str"),
        ("size: ${size}", "size: 1, shelves: [/a, b/c]", "", ""),
        ("size: ${size}", "size: 1, shelves: [/a, 3]", "arguments", "crew.yaml:11:35: actors.store.args.shelves[1]: Store: expected Path, got int"),
        ("{width: 4}", "{width: wide}", "arguments", "crew.yaml:11:35: actors.store.args.style.width: Store: expected int, got str"),
        ("{ref: store}", "store", "arguments", "Worker wants an actor here; write {ref: name} of a Store"),
        ("store: {ref: store}\n", "store: {ref: worker-1}\n", "arguments", "Boss wants a Store, this is a Worker"),
        ("{refs: worker}", "[{ref: worker-0}]", "", ""),
        ("{refs: worker}", "{pool: worker}", "arguments", "Boss takes no pool here; write {refs: worker}"),
        ("rate: 0.5", "rate: 0.5\n      crowd: {pool: worker, route: round_robin}", "", ""),
        ("rate: 0.5", "rate: 0.5\n      crowd: {refs: worker}", "arguments", "Boss takes a pool here; write {pool: worker}"),
        ("rate: 0.5", "rate: 0.5\n      crowd: {pool: store}", "wiring", '"store" is one actor'),
        ("rate: 0.5", "rate: 0.5\n      crowd: {pool: worker, route: fastest}", "wiring", "this is no reference"),
        ("rate: 0.5", "rate: 0.5\n      any_of: {pool: worker}", "", ""),
        ("{refs: worker}", "[{ref: worker-0}, {ref: store}]", "arguments", "actors.boss.args.workers[1]: Boss wants a Worker, this is a Store"),
        ("{refs: worker}", "[{ref: worker-0}, worker-1]", "arguments", "actors.boss.args.workers[1]: Boss wants an actor here; write {ref: name} of a Worker"),
        ("{refs: worker}", "[worker-1]", "arguments", "actors.boss.args.workers[0]: Boss wants an actor here"),
        ("{refs: worker}", "{ref: worker-0}", "arguments", "Boss wants a list here; write [{ref: worker-0}]"),
        ("{refs: worker}", "[{refs: worker}]", "arguments", "actors.boss.args.workers[0]: Boss wants one actor here; name one of them, such as {ref: worker-0}"),
        ("store: {ref: store}\n", "store: [{ref: store}]\n", "arguments", "Boss wants an actor here"),
        ("rate: 0.5", "rate: {ref: store}", "arguments", "Boss takes no actor here"),
        ("rate: 0.5", "rate: [{ref: store}]", "arguments", "Boss: expected float, got array"),
        ("rate: 0.5", "any_of: [{ref: store}, 3]", "", ""),
        ("rate: 0.5", "by_name: {a: {ref: store}}", "", ""),
        ("rate: 0.5", "by_name: {a: {ref: store}, b: {ref: worker-0}}", "arguments", "actors.boss.args.by_name.b: Boss wants a Store, this is a Worker"),
        ("rate: 0.5", "by_name: {ref: store}", "arguments", "Boss wants a mapping here; write {key: {ref: store}}"),
        ("rate: 0.5", "pair: [{ref: store}, {ref: worker-0}]", "", ""),
        ("rate: 0.5", "pair: [{ref: worker-0}, {ref: worker-0}]", "arguments", "actors.boss.args.pair[0]: Boss wants a Store, this is a Worker"),
        ("rate: 0.5", "shifts: [{refs: worker}, [{ref: worker-1}]]", "", ""),
        ("rate: 0.5", "shifts: [[{ref: worker-0}, {ref: store}]]", "arguments", "actors.boss.args.shifts[0][1]: Boss wants a Worker, this is a Store"),
        ("rate: 0.5", "deputy: nobody", "", ""),
        ("rate: 0.5", "deputy: {ref: worker-0}", "", ""),
        ("rate: 0.5", "deputy: {ref: store}", "arguments", "Boss wants a Worker, this is a Store"),
        ("rate: 0.5", "crowd: [{ref: worker-0}]", "arguments", "Boss takes a pool here"),
        ("ask: solve", "ask: sovle", "main", 'there is no Boss.sovle; did you mean "solve"?'),
        ("ask: solve", "ask: hidden", "main", "Boss.hidden is not a handler; decorate it with @handler"),
        ("actor: boss", "actor: bos", "main", 'no actor is called "bos"; did you mean "boss"?'),
        ("actor: boss", "actor: worker", "main", '"worker" has replicas; name one of them, such as "worker-0"'),
        ("tries: 2", "tries: two", "main", "Boss.solve: expected int, got str"),
        ("tries: 2", "times: 2", "main", 'Boss.solve takes no argument "times"'),
        ("cpus: 1", "cpus: 4000", "resources", "4000 CPUs for each process, this host has"),
        ("  team:", "  idle: {}\n  team:", "resources", "no actor runs here"),
    ],
)  # fmt: skip
def test_each_mistake_is_named(sound: str, old: str, new: str, kind: str, said: str) -> None:
    assert old in sound
    problems = check(parse_topology(sound.replace(old, new, 1), file="crew.yaml"))
    assert [problem.kind for problem in problems][:1] == ([kind] if kind else [])
    assert said in "\n".join(map(str, problems))
    assert all(problem.mark.line > 0 for problem in problems)


def test_a_lazy_ref_may_close_a_circle(sound: str) -> None:
    text = sound.replace("{ref: store}}", "{ref: store}, boss: {ref: boss, lazy: true}}", 1)
    file = parse_topology(text)
    assert check(file) == []
    assert [actor.name for actor in plan(file.topology).actors] == [
        "store",
        "worker-0",
        "worker-1",
        "boss",
    ]


def test_instances_may_not_share_a_name() -> None:
    topology = Topology(
        name="x",
        actors={
            "a": ActorSpec(cls="topology_crew:Store", replicas=2, args={"size": 1}),
            "a-1": ActorSpec(cls="topology_crew:Store", args={"size": 1}),
        },
    )
    with pytest.raises(WiringError, match='"a-1" is also one of "a"'):
        require_sound(topology)


def test_a_topology_built_in_python_is_checked_too() -> None:
    topology = Topology(
        name="made",
        nodes={"side": NodeSpec()},
        actors={
            "store": ActorSpec(cls="topology_crew:Store", node="side", args={"size": 2}),
            "boss": ActorSpec(
                cls="topology_crew:Bos", args={"store": {"ref": "store"}, "workers": []}
            ),
        },
        main=Main(actor="boss", ask="solve"),
    )
    with pytest.raises(ActorClassError, match=r"<topology made>: actors\.boss\.class") as caught:
        require_sound(topology)
    assert caught.value.problems[0].path == ("actors", "boss", "class")


def test_replicas_go_round_the_nodes_of_their_entry(sound: str) -> None:
    text = sound.replace("replicas: ${workers}", "replicas: 5")
    found = plan(parse_topology(text).topology)
    places = {actor.name: actor.node for actor in found.actors}
    assert places == {
        "store": "side",
        "worker-0": "team-0",
        "worker-1": "team-1",
        "worker-2": "team-0",
        "worker-3": "team-1",
        "worker-4": "team-0",
        "boss": None,
    }
    assert [node.name for node in found.nodes] == ["side", "team-0", "team-1"]
    assert [actor.name for actor in found.stop_order][:2] == ["boss", "worker-4"]


def test_an_entry_with_one_replica_still_counts_it(sound: str) -> None:
    found = plan(parse_topology(sound, {"params.workers": 1}).topology)
    assert found.replicas["worker"] == ("worker-0",)
    assert found.replicas["store"] == ("store",)


def test_a_module_that_fails_to_load_is_a_problem_not_a_crash(
    sound: str, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path_factory.mktemp("modules")
    (folder / "broken_one.py").write_text("1 / 0\n")
    (folder / "needs_one.py").write_text("import no_such_module_at_all\n")
    (folder / "leaves_one.py").write_text("raise SystemExit(3)\n")
    monkeypatch.syspath_prepend(str(folder))
    for module, said in [
        ("broken_one", "fails to load (ZeroDivisionError: division by zero)"),
        ("needs_one", 'module "needs_one" needs "no_such_module_at_all"; install it'),
        ("leaves_one", "fails to load (SystemExit: 3)"),
    ]:
        file = parse_topology(sound.replace("topology_crew:Store", f"{module}:Store"))
        assert said in str(check(file)[0])


def test_an_item_of_a_list_is_pointed_at_where_it_stands(sound: str) -> None:
    text = sound.replace(
        "workers: {refs: worker}", "workers:\n        - {ref: worker-0}\n        - {ref: store}"
    )
    (problem,) = check(parse_topology(text, file="crew.yaml"))
    line = text.splitlines()[problem.mark.line - 1]
    assert line[problem.mark.column - 1 :].lstrip("- ") == "{ref: store}"


@pytest.mark.parametrize(
    ("cls", "args", "said"),
    [
        ("passel.actors.tools:FunctionTools", "functions: [topology_crew:nope]", "crew.yaml:3:"),
        ("passel.actors.tools:FunctionTools", "functions: [topology_crew:nope]", "has no nope"),
        ("passel.actors.tools:FunctionTools", "functions: [no_such:tool]", "'no_such'"),
        ("passel.actors.tools:FunctionTools", "functions: [topology_crew:Store]", "no function"),
        ("passel.actors.tools:FunctionTools", "functions: [topology_crew:look_up]", ""),
        ("topology_crew:OwnTools", "", ""),
        ("passel.actors.chat:ScriptedModel", "function: topology_crew:nope", "nope"),
        ("passel.actors.chat:ScriptedModel", "file: no/such.toml", "such.toml"),
        ("passel.actors.chat:ScriptedModel", "script: [yes]", ""),
    ],
)
def test_classes_say_more_of_their_arguments(cls: str, args: str, said: str) -> None:
    text = f"name: crew\nactors:\n  one: {{class: '{cls}', args: {{{args}}}}}\n"
    file = parse_topology(text, file="crew.yaml")
    assert check(file) == []
    problems = [str(problem) for problem in check_by_classes(file)]
    assert (said in problems[0]) if said else problems == [], problems
