from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("torch", "numpy", "tokenizers", "networkx", "rich", "passel.runtime")


@pytest.mark.process
@pytest.mark.parametrize("module", ["passel.agents.hogwild.worker", "passel.actors.shared_cache"])
def test_a_worker_s_process_loads_no_model_library_and_no_runtime(module: str) -> None:
    code = (
        f"import sys, passel.actors as _; kept = set(sys.modules); import {module}; "
        f"print(sorted(set({HEAVY!r}) & (set(sys.modules) - kept)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
