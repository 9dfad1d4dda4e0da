from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from passel.protocols.control import (
    ActorStatus,
    AskStatistics,
    NodeInfo,
    NodeStatistics,
    NodeStatus,
)
from passel.runtime.cli.guest import NodeLook
from passel.runtime.cli.rates import Rates, actor_rows
from passel.runtime.cli.top import NodeRow, actor_table, node_row, node_table, ordered

if TYPE_CHECKING:
    from tests.runtime.cli.conftest import Host

INFO = NodeInfo(node="side", life=2, endpoint="", pid=7)


def statistics(handled: int, mailbox: int = 0) -> NodeStatistics:
    actor = ActorStatus(
        name="ada", class_name="crew.Worker", state="busy", mailbox=mailbox, handled=handled,
        failed=0, restarts=3,
    )  # fmt: skip
    asks = AskStatistics(count=handled, seconds=1.0, buckets=[0] * 6 + [handled])
    return NodeStatistics(
        node="side", life=2, pid=7, actors=[actor], asks=asks, sent=handled, received=handled,
        cpu_seconds=handled / 100, memory_bytes=3 << 20, dead_letters=2,
    )  # fmt: skip


def test_a_rate_is_the_growth_since_the_last_look() -> None:
    rates = Rates()
    assert rates.of("asks", "side", 10, 1.0) == 0.0
    assert rates.of("asks", "side", 30, 3.0) == 10.0
    assert rates.of("asks", "other", 30, 3.0) == 0.0
    assert rates.of("asks", "side", 5, 4.0) == 0.0


def test_a_node_row_has_rates_and_quantiles() -> None:
    rates = Rates()
    node_row(NodeLook(INFO, statistics(0)), rates, 1.0)
    row = node_row(NodeLook(INFO, statistics(100)), rates, 3.0)
    assert (row.cpu, row.messages, row.asks) == (0.5, 100.0, 50.0)
    assert row.p50 == row.p99 == pytest.approx(64e-6)
    assert (row.restarts, row.dead_letters) == (3, 2)
    assert not node_row(NodeLook(INFO, None), rates, 4.0).answers


def test_actors_are_ordered_as_asked() -> None:
    rates = Rates()
    rows = [
        *actor_rows([statistics(1, 5)], rates, 1.0),
        *actor_rows([statistics(1, 9)], rates, 1.0),
    ]
    assert [row.depth for row in ordered(rows, "mailbox")] == [9, 5]
    assert ordered(rows, "name") == rows


def test_the_tables_say_it_all() -> None:
    file = io.StringIO()
    console = Console(file=file, width=140)
    rates = Rates()
    late = NodeStatus(node="side", life=2, pid=7, state="suspected")
    looks = [NodeLook(INFO, statistics(100)), NodeLook(INFO, None, late)]
    console.print(node_table("crew", [node_row(look, rates, 1.0) for look in looks]))
    console.print(actor_table(actor_rows([statistics(1, 9)], rates, 1.0)))
    shown = file.getvalue()
    for words in (
        "crew",
        "side (2)",
        "MiB",
        "64 us",
        "does not answer",
        "suspected",
        "ada",
        "Worker",
    ):
        assert words in shown


def test_eighty_columns_hold_every_number() -> None:
    file = io.StringIO()
    rows = [
        NodeRow(
            name="embedder-with-a-long-name", life=12, pid=123456, state="suspected", answers=True,
            cpu=1.52, memory=57 << 20, messages=123_456.0, asks=23_456.0, p50=158e-6, p99=2.3e-3,
            dead_letters=12_345, restarts=321,
        )
    ]  # fmt: skip
    Console(file=file, width=80).print(node_table("crew", rows))
    shown = file.getvalue()
    for words in ("suspected", "1.52", "57", "123k", "23k", "158 us", "2 ms", "12k", "321"):
        assert words in shown


@pytest.mark.process
def test_top_watches_a_running_runtime(host: Host) -> None:
    host.serve("serving.yaml")
    done = host.run("top", "serving", "--json", "--count", "2", "--interval", "0.1")
    assert done.returncode == 0, done.stderr
    looks = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(looks) == 2
    assert {node["name"] for node in looks[1]["nodes"]} == {"leader", "side"}
    assert all(node["answers"] and node["memory"] > 1 << 20 for node in looks[1]["nodes"])
    assert {actor["name"] for actor in looks[1]["actors"]} == {"counter", "home"}
    plain = host.run("top", "serving", "--count", "1", "--sort", "name")
    assert plain.returncode == 0, plain.stderr
    assert "counter" in plain.stdout
    missing = host.run("top", "nobody")
    assert missing.returncode == 3
