"""A whole run, searched for its secrets wherever another user, or a log file, could show them."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from passel.runtime.machine.rundir import FACTS
from tests.runtime.peer import Peer

if TYPE_CHECKING:
    from .conftest import Commands, Host
else:
    Commands = Host = Any

pytestmark = pytest.mark.process

COMMANDS = (
    ("ps", "serving"),
    ("ps", "serving", "--json"),
    ("top", "serving", "--json", "--count", "1"),
    ("ask", "serving", "counter", "add", "5"),
    ("ask", "serving", "counter", "no such handler"),
    ("logs", "serving"),
    ("stop", "serving"),
)


def provoke(folder: Path, endpoint: str, cookie: str) -> None:
    """Be refused in several ways, so that there is something to log."""
    with Peer(folder) as peer:
        peer._outlet.connect(endpoint)
        peer.send(peer.hello("a guess"))
        peer.send(peer.hello(cookie, version=99))
        peer.send(peer.hello(cookie, life=7))
        peer.send_raw(b"\x91\x96\x0b" + cookie.encode())


@pytest.mark.parametrize("transport", ["ipc", "tcp"])
def test_no_secret_is_shown_anywhere(
    host: Host, passel: Commands, transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PASSEL_RUN_DIR", str(host.base))
    leader = host.serve("serving.yaml", "--verbose", "--set", f"transport={transport}")
    [folder] = [path for path in host.base.iterdir() if path.is_dir()]
    facts = json.loads((folder / FACTS).read_text())
    secrets = [facts["cookie"], *([facts["guest_key"]] if transport == "tcp" else [])]
    assert all(len(secret) >= 32 for secret in secrets)
    if transport == "ipc":
        provoke(host.base, facts["endpoint"], facts["cookie"])
    shown: dict[str, str] = {}
    [side] = (Path(f"/proc/{leader.pid}/task/{leader.pid}/children").read_text()).split()
    for process in (str(leader.pid), side):
        for part in ("cmdline", "environ"):
            shown[f"{process} {part}"] = (Path("/proc") / process / part).read_text()
    for path in folder.rglob("*"):
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077, f"{path} is not private"
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != FACTS]
    for words in COMMANDS:
        if words[0] == "stop":
            shown |= {path.name: path.read_text(errors="replace") for path in files}
        shown[" ".join(words)] = passel(*words).output
    shown["run"] = "".join(leader.communicate(timeout=20))
    assert "serving" in shown["ps serving"]
    for where, text in shown.items():
        for secret in secrets:
            assert secret not in text, f"{where} shows a secret"
