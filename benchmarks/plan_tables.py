"""Put the figures of a run of `plan.py --json`, read from standard input, into docs/benchmarks.md.

    python benchmarks/plan.py --peers langgraph --json | python benchmarks/plan_tables.py

Only what stands between the two marks of the page is replaced.
"""

from __future__ import annotations

import json
import sys
from typing import Any, Final

from shapes import SHAPES
from tables import circumstances, figure, put, table

BEGIN: Final = "<!-- figures of benchmarks/plan.py -->"
END: Final = "<!-- end of the figures of plans -->"

COLUMNS: Final = {
    "Passel": "",
    "Passel, tools in two processes": "ipc_",
    "asyncio futures": "oracle_",
    "LangGraph": "langgraph_",
}
"""Columns, and what the keys of each begin with."""

BARS: Final = (
    ("wide8_ratio", "", "≤ 1.03"),
    ("chain8_20ms_ratio", "", "≤ 1.03"),
    ("chain8_1ms_ratio", "", "≤ 1.5"),
    ("random60_ratio", "", "≤ 1.05"),
    ("ipc_random60_ratio", "", "≤ 1.05"),
    ("ipc_hop_p50_ms", "ms", "≤ 1"),
    ("stall_delay_ms", "ms", "≤ 5"),
    ("dag10000_seconds", "s", ""),
    ("dag10000_mib", "MiB", "bounded"),
)
"""What is aimed at: a key, its unit, and its bound."""


def main() -> None:
    """Read, render, write."""
    values = json.loads(sys.stdin.read())
    put(rendered(values), BEGIN, END)


def rendered(values: dict[str, Any]) -> str:
    """Return everything between the marks."""
    columns = {name: start for name, start in COLUMNS.items() if f"{start}wide8_ratio" in values}
    rows = [
        [f"`{name}`", *(ratio(values, f"{start}{name}_ratio") for start in columns.values())]
        for name in SHAPES
    ]
    bars = [[f"`{key}`", figure(values, key, unit), bound] for key, unit, bound in BARS]
    return "\n\n".join(
        (
            circumstances(values),
            table(["makespan to critical path", *columns], rows),
            table(["key", "measured", "aim"], bars),
        )
    )


def ratio(values: dict[str, Any], key: str) -> str:
    """Return a median ratio with its 10th and 90th percentile, or nothing."""
    if key not in values:
        return ""
    middle, low, high = (f"{values[k]:.3f}" for k in (key, f"{key}_p10", f"{key}_p90"))
    return f"{middle} [{low}, {high}]"


if __name__ == "__main__":
    main()
