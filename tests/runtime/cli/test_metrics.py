from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.runtime.test_metrics import read, series

if TYPE_CHECKING:
    from tests.runtime.cli.conftest import Host


@pytest.mark.process
def test_a_run_serves_metrics_and_metrics_prints_them(host: Host) -> None:
    process = host.start("run", "serving.yaml", "--json", "--metrics", "0")
    assert process.stdout is not None
    url = ""
    for line in process.stdout:
        if "/metrics" in line:
            url = line[line.index("http") : line.index("/metrics") + len("/metrics")]
        if '"running"' in line:
            break
    assert 'passel_node_life{node="side"} 1.0' in read(url)
    printed = host.run("metrics", "serving")
    assert printed.returncode == 0, printed.stderr
    assert series(printed.stdout)["passel_node_life", "side"] == 1.0
