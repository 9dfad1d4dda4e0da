from __future__ import annotations

import msgspec
import pytest
from rich.pretty import pretty_repr

from passel.protocols.confidential import HIDDEN
from passel.protocols.control import NodeConfig, NodeInfo
from passel.protocols.envelope import Hello
from passel.runtime.machine.rundir import RuntimeFacts

SECRET = "5ec2e7" * 6
LEADER = NodeInfo(node="leader", life=1, endpoint="ipc:///run/leader.1", pid=1)
RECORDS = (
    Hello("side", 1, "ipc:///run/side.1", 2, {}, SECRET),
    RuntimeFacts(name="a", pid=1, endpoint="e", cookie=SECRET, started=1.0, guest_key=SECRET),
    NodeConfig(
        node="side",
        life=1,
        run_directory="/run",
        leader=LEADER,
        cookie=SECRET,
        import_path=[],
        main_path="",
    ),
)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_no_text_made_of_a_record_shows_its_secret(record: msgspec.Struct) -> None:
    for text in (repr(record), str(record), f"{record}", f"{[record]!r}", pretty_repr(record)):
        assert SECRET not in text
        assert HIDDEN in text


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_what_is_sent_has_it(record: msgspec.Struct) -> None:
    assert msgspec.json.decode(msgspec.json.encode(record), type=type(record)) == record


def test_all_else_is_shown() -> None:
    shown = repr(RECORDS[0])
    assert shown.startswith("Hello(node='side', life=1, endpoint='ipc:///run/side.1', ")
    assert "cookie='...'" in shown
