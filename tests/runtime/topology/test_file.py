from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from passel.runtime.topology import (
    SubstitutionError,
    TopologyError,
    TopologyLimitError,
    TopologyReadError,
    TopologySchemaError,
    TopologySyntaxError,
    parse_topology,
    read_topology,
)

if TYPE_CHECKING:
    from pathlib import Path


def _problem(text: str, **options: Any) -> str:
    with pytest.raises(TopologyError) as caught:
        parse_topology(text, file="crew.yaml", environment={}, **options)
    return str(caught.value)


def test_a_sound_file_becomes_typed_records(sound: str) -> None:
    topology = parse_topology(sound, environment={}).topology
    assert topology.name == "crew"
    assert topology.nodes["team"].count == 2
    assert topology.actors["worker"].replicas == 2
    assert topology.actors["worker"].supervise.backoff == 0.5
    assert topology.actors["store"].args == {"size": 3, "style": {"width": 4}}
    assert topology.main is not None
    assert topology.main.args["problem"] == "what is 2 + 2?"


def test_a_whole_variable_keeps_its_type_and_a_part_becomes_text() -> None:
    text = """\
name: x
params: {n: 3, both: "${n} and ${WHO}", list: [1, 2], same: "${list}", price: "$$5 ${n}"}
actors: {a: {class: "m:A", args: {n: "${n}", both: "${both}", same: "${same}", price: "${price}"}}}
"""
    topology = parse_topology(text, environment={"WHO": "you"}).topology
    assert topology.actors["a"].args == {
        "n": 3,
        "both": "3 and you",
        "same": [1, 2],
        "price": "$5 3",
    }


def test_a_variable_without_quotes_may_stand_inside_braces() -> None:
    """YAML itself ends a plain word at a brace; the columns of later values must not move."""
    text = (
        "name: x\nparams: {n: 2}\nnodes: {t: {count: ${n}, bad: 1}}\nactors: {a: {class: 'm:A'}}\n"
    )
    assert "crew.yaml:3:26: nodes.t.bad" in _problem(text)


def test_the_scalars_are_those_of_yaml_1_2() -> None:
    text = """\
name: x
actors: {a: {class: "m:A", args: {a: no, b: 1e-4, c: 1:30, d: 0x1f, e: 2020-01-01, f: ~, g: .inf}}}
"""
    args = parse_topology(text).topology.actors["a"].args
    assert args == {
        "a": "no",
        "b": 1e-4,
        "c": "1:30",
        "d": 31,
        "e": "2020-01-01",
        "f": None,
        "g": float("inf"),
    }


def test_overrides_replace_values_before_parameters_are_put_in_place(sound: str) -> None:
    topology = parse_topology(
        sound, {"params.workers": 5, "actors.boss.args.rate": 2.0, "nodes.side.gpus": "auto"}
    ).topology
    assert topology.nodes["team"].count == 5
    assert topology.actors["boss"].args["rate"] == 2.0
    assert topology.nodes["side"].gpus == "auto"


def test_a_text_from_the_environment_becomes_the_number_that_a_field_wants() -> None:
    text = "name: x\nnodes: {t: {count: ${N}}}\nactors: {a: {class: 'm:A'}}\n"
    assert parse_topology(text, environment={"N": "7"}).topology.nodes["t"].count == 7


def test_json_and_toml_say_the_same_as_yaml(sound: str, tmp_path: Path) -> None:
    yaml = parse_topology(sound, environment={})
    data = {
        "name": "crew",
        "params": {"size": 3, "workers": 2, "problem": "what is 2 + 2?"},
        "nodes": {"side": {"cpus": 1}, "team": {"count": "${workers}"}},
        "actors": {
            "store": {
                "class": "topology_crew:Store",
                "node": "side",
                "args": {"size": "${size}", "style": {"width": 4}},
                "capacity": 64,
            },
            "worker": {
                "class": "topology_crew:Worker",
                "node": "team",
                "replicas": "${workers}",
                "args": {"store": {"ref": "store"}},
                "supervise": {"max_restarts": 2, "within": 30, "backoff": 0.5},
            },
            "boss": {
                "class": "topology_crew:Boss",
                "args": {"store": {"ref": "store"}, "workers": {"refs": "worker"}, "rate": 0.5},
            },
        },
        "main": {"actor": "boss", "ask": "solve", "args": {"problem": "${problem}", "tries": 2}},
    }
    as_json = tmp_path / "crew.json"
    as_json.write_text(json.dumps(data, indent=2))
    as_toml = tmp_path / "crew.toml"
    as_toml.write_text(_toml(data))
    assert tomllib.loads(as_toml.read_text()) == data
    assert read_topology(as_json).topology == yaml.topology
    assert read_topology(as_toml).topology == yaml.topology


def test_json_problems_point_at_the_key() -> None:
    text = '{\n  "name": "x",\n  "actors": {\n    "a": {"class": "m:A", "nod": "\\u0065"}\n  }\n}\n'
    with pytest.raises(TopologySchemaError, match=r"x\.json:4:27: actors\.a\.nod: unknown key"):
        parse_topology(text, ending=".json", file="x.json")


def test_toml_problems_point_at_the_line() -> None:
    text = 'name = "x"\n\n[actors.a]\nclass = "m:A"\nreplicas = 0\n'
    with pytest.raises(TopologySchemaError, match=r"x\.toml:5:1: actors\.a\.replicas"):
        parse_topology(text, ending=".toml", file="x.toml")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("count:", "cuont:", 'crew.yaml:6:10: nodes.team.cuont: unknown key "cuont"; did you mean "count"?'),
        ("name: crew\n", "", 'crew.yaml:1:1: the key "name" is missing; add "name:"'),
        ("capacity: 64", "capacity: no", "crew.yaml:12:5: actors.store.capacity: expected int, got str"),
        ("max_restarts: 2", "max_restarts: -2", "crew.yaml:18:17: actors.worker.supervise.max_restarts"),
        ("max_restarts: 2", "on_failure: reboot", "crew.yaml:18:17: actors.worker.supervise.on_failure: 'reboot' is no directive; choose resume, restart, stop, escalate"),
        ("max_restarts: 2", "on_failure: {KeyError: stop, OSError: 3}", "crew.yaml:18:46: actors.worker.supervise.on_failure.OSError: 3 is no directive"),
        ('"topology_crew:Boss"', "Boss", 'actors.boss.class: is no class (here: \'Boss\'); write it as "module:Class"'),
        ("version: 1", "version: 2", "crew.yaml:1:1: version: this package reads version 1"),
        ("${size}", "${siez}", 'crew.yaml:11:12: actors.store.args.size: no parameter or environment variable is called "siez"; did you mean "size"?'),
        ("workers: 2", "workers: ${size}, size2: ${workers", "crew.yaml:3"),
        ("size: 3", "size: ${workers}, workers: ${size}, w", 'the key "workers" is given twice'),
        ("size: 3, workers: 2", "size: ${workers}, workers: ${size}", "parameters stand for each other: size -> workers -> size"),
        ("  worker:", "  store:", 'crew.yaml:13:3: actors.store: the key "store" is given twice; keep one; the first is on line 8'),
        ("size: 3", "size: !!python/name:os.system 3", "crew.yaml:3:16: params.size: cannot read this value (the tag"),
        ("  team:", "\tteam:", "crew.yaml:6:1: found character '\\t' that cannot start any token"),
        ("rate: 0.5", "rate: [0.5", "crew.yaml:"),
        ("  team:", "  my team:", 'nodes.my team: "my team" cannot be a name'),
    ],
)  # fmt: skip
def test_a_problem_names_file_line_key_and_mend(sound: str, old: str, new: str, said: str) -> None:
    assert old in sound
    assert said in _problem(sound.replace(old, new, 1))


def test_all_schema_problems_are_said_at_once(sound: str) -> None:
    text = sound.replace("capacity", "capcity").replace("tries", "tries: 2}\nextra: {x")
    with pytest.raises(TopologySchemaError) as caught:
        parse_topology(text)
    assert len(caught.value.problems) == 2


def test_aliases_that_multiply_end_in_a_limit() -> None:
    laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
    )
    with pytest.raises(TopologyLimitError, match="values, aliases followed"):
        parse_topology(laughs)


def test_parameters_that_multiply_end_in_a_limit() -> None:
    params = "".join(f"  p{n}: ['${{p{n - 1}}}', '${{p{n - 1}}}']\n" for n in range(1, 60))
    text = f"name: x\nparams:\n  p0: 1\n{params}actors: {{a: {{class: 'm:A'}}}}\n"
    with pytest.raises(TopologyLimitError):
        parse_topology(text)
    long = "".join(f"  p{n}: '${{p{n - 1}}}${{p{n - 1}}}'\n" for n in range(1, 60))
    with pytest.raises(SubstitutionError, match="grows past"):
        parse_topology(f"name: x\nparams:\n  p0: ab\n{long}actors: {{a: {{class: 'm:A'}}}}\n")


@pytest.mark.parametrize("ending", [".yaml", ".json", ".toml"])
def test_deep_nesting_ends_in_a_limit(ending: str) -> None:
    deep = "[" * 5000 + "]" * 5000
    text = {".yaml": f"a: {deep}", ".json": f'{{"a": {deep}}}', ".toml": f"a = {deep}"}[ending]
    with pytest.raises(TopologyLimitError, match="nested more than"):
        parse_topology(text, ending=ending)


def test_a_recursive_alias_ends_in_an_error() -> None:
    with pytest.raises(TopologyError):
        parse_topology("a: &a [*a]")


def test_files_that_cannot_be_read_say_why(tmp_path: Path) -> None:
    with pytest.raises(TopologyReadError, match="there is no such file"):
        read_topology(tmp_path / "none.yaml")
    with pytest.raises(TopologyReadError, match="this is a folder"):
        read_topology(tmp_path)
    latin = tmp_path / "latin.yaml"
    latin.write_bytes(b"name: x\nlabel: caf\xe9\n")
    with pytest.raises(TopologyReadError, match=r"latin\.yaml:2:11: byte 0xe9 is not UTF-8"):
        read_topology(latin)
    other = tmp_path / "crew.ini"
    other.write_text("x")
    with pytest.raises(TopologyReadError, match=r'unknown ending "\.ini"'):
        read_topology(other)
    large = tmp_path / "large.yaml"
    large.write_bytes(b"#" * (1 << 20) + b"\n")
    with pytest.raises(TopologyLimitError, match="larger than 1048576 bytes"):
        read_topology(large)


def test_a_control_character_is_pointed_at() -> None:
    with pytest.raises(TopologySyntaxError, match=r"t\.yaml:2:4: the character '\\x01'"):
        parse_topology("name: x\nabc\x01: 1\n", file="t.yaml")


def _toml(data: dict[str, Any]) -> str:
    lines = [f"{key} = {json.dumps(v)}" for key, v in data.items() if not isinstance(v, dict)]
    for section, content in data.items():
        if section in ("nodes", "actors"):
            for name, item in content.items():
                lines.append(f"[{section}.{name}]")
                lines += [f"{key} = {_inline(value)}" for key, value in item.items()]
        elif isinstance(content, dict):
            lines.append(f"[{section}]")
            lines += [f"{key} = {_inline(value)}" for key, value in content.items()]
    return "\n".join(lines) + "\n"


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_inline(item)}" for key, item in value.items()) + "}"
    return json.dumps(value)
