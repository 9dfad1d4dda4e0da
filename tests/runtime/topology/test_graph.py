from __future__ import annotations

import json
import re
from xml.etree import ElementTree as ET

import msgspec
import pytest

from passel.runtime.topology import (
    ActorSpec,
    Main,
    NodeSpec,
    Topology,
    graph,
    parse_topology,
    schema,
)
from passel.runtime.topology.drawing import draw
from passel.runtime.topology.layout import SMALL_LETTER, lay_out


@pytest.fixture
def topology() -> Topology:
    """Two processes, a back reference, a circle of one, and an arrow over two columns."""
    store = {"ref": "store"}
    return Topology(
        name="wide",
        nodes={"io": NodeSpec(count=2), "gpu": NodeSpec(gpus=1)},
        actors={
            "front": ActorSpec(cls="m:Front", args={"router": {"ref": "router"}, "store": store}),
            "router": ActorSpec(cls="m:Router", node="io", args={"all": {"refs": "worker"}}),
            "worker": ActorSpec(
                cls="m:Worker",
                node="io",
                replicas=4,
                args={"model": {"ref": "model"}, "back": {"ref": "front", "lazy": True}},
            ),
            "model": ActorSpec(cls="m:Model<T>", node="gpu"),
            "store": ActorSpec(cls="m:Store", args={"me": {"ref": "store", "lazy": True}}),
        },
        main=Main(actor="front", ask="serve"),
    )


def test_mermaid_has_a_frame_for_each_process_and_an_arrow_for_each_ref(
    topology: Topology,
) -> None:
    text = graph(topology)
    assert text.startswith("flowchart LR\n")
    assert text.count("subgraph") == text.count("\n  end\n") == 3
    assert '[["worker \N{MULTIPLICATION SIGN}4<br/>' in text
    assert '(("main")) -->|"serve"| a0' in text
    assert "a1 ==> a2" in text
    assert "a2 -.-> a0" in text
    assert "Model#lt;T>" in text


def test_dot_quotes_every_name(topology: Topology) -> None:
    text = graph(topology, "dot")
    assert text.count("{") == text.count("}") == 4
    assert '"router" -> "worker" [style=bold];' in text
    assert '"worker" -> "front" [style=dashed];' in text


def test_svg_is_well_formed_and_names_everything(topology: Topology) -> None:
    root = ET.fromstring(graph(topology, "svg"))
    words = [element.text for element in root.iter() if element.tag.endswith("text")]
    for name in (
        "front",
        "router",
        "worker \N{MULTIPLICATION SIGN}4",
        "model",
        "store",
        "io \N{MULTIPLICATION SIGN}2",
        "serve",
        "Model<T>",
    ):
        assert name in words
    refs = [e for e in root.iter() if e.get("class", "").startswith("ref")]
    legend = [e for e in refs if not list(e)]
    assert (len(refs), len(legend)) == (8, 2)
    assert "to all replicas" in words


def test_a_plain_picture_has_no_legend() -> None:
    plain = Topology(name="plain", actors={"a": ActorSpec(cls="m:A")})
    assert "to all replicas" not in graph(plain, "svg")


@pytest.mark.parametrize("actor", ["front", "model"])
def test_the_label_of_main_has_room_before_its_box(topology: Topology, actor: str) -> None:
    ask = "answer_a_long_question_in_small_pieces"
    drawing = draw(msgspec.structs.replace(topology, main=Main(actor=actor, ask=ask)))
    layout = lay_out(drawing)
    assert layout.entry + SMALL_LETTER * len(ask) < layout.boxes[actor].x
    assert layout.entry > layout.lanes["leader"].x
    left = [box.right for box in layout.boxes.values() if box.right < layout.boxes[actor].x]
    assert all(right < layout.entry for right in left)


def test_boxes_do_not_overlap_and_lie_in_their_lanes(topology: Topology) -> None:
    drawing = draw(topology)
    layout = lay_out(drawing)
    boxes = list(layout.boxes.items())
    for index, (_, one) in enumerate(boxes):
        for _, two in boxes[index + 1 :]:
            apart_x = one.right <= two.x or two.right <= one.x
            apart_y = one.y + one.height <= two.y or two.y + two.height <= one.y
            assert apart_x or apart_y
    for box in drawing.boxes:
        lane, place = layout.lanes[box.lane], layout.boxes[box.name]
        assert lane.x <= place.x
        assert place.right <= lane.right
        assert lane.y <= place.y
        assert place.y + place.height <= lane.y + lane.height
    assert all(lane.right <= layout.width for lane in layout.lanes.values())


def test_a_referrer_stands_left_of_what_it_refers_to(topology: Topology) -> None:
    drawing = draw(topology)
    places = lay_out(drawing).boxes
    for arrow in drawing.arrows:
        if not arrow.lazy:
            assert places[arrow.source].right < places[arrow.target].x


def test_a_circle_is_drawn_all_the_same() -> None:
    topology = Topology(
        name="round",
        actors={
            "a": ActorSpec(cls="m:A", args={"b": {"ref": "b"}}),
            "b": ActorSpec(cls="m:B", args={"a": {"ref": "a"}, "c": {"ref": "nobody"}}),
        },
    )
    assert "</svg>" in graph(topology, "svg")


def test_the_schema_has_every_key_and_lets_parameters_stand_for_numbers(sound: str) -> None:
    found = schema()
    assert found["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    json.dumps(found)
    actor = found["$defs"]["ActorSpec"]
    assert set(actor["properties"]) == {
        "class", "node", "replicas", "args", "capacity", "durable", "mailbox", "supervise",
    }  # fmt: skip
    assert actor["additionalProperties"] is False
    choices = actor["properties"]["replicas"]["anyOf"]
    assert (choices[0]["type"], choices[0]["minimum"]) == ("integer", 1)
    assert any(re.match(c.get("pattern", "$^"), "${workers}") for c in choices)
    assert "$schema" in found["properties"]


def test_a_file_may_name_its_schema(sound: str) -> None:
    found = parse_topology('$schema: "./topology.schema.json"\n' + sound)
    assert found.topology == parse_topology(sound).topology
