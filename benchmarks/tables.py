"""Put the figures of a run of `runtime.py --json`, read from standard input, into docs/benchmarks.md.

    python benchmarks/runtime.py --peers xoscar,ray --json | python benchmarks/tables.py

Only what stands between the two marks of the page is replaced.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"
BEGIN: Final = "<!-- figures of benchmarks/runtime.py -->"
END: Final = "<!-- end of figures -->"

COLUMNS: Final = {
    "Passel": "",
    "Passel, `unix`": "unix_",
    "Passel, `unix`, busy polling": "polled_",
    "floor": "floor_",
    "xoscar": "xoscar_",
    "Ray": "ray_",
}
"""Columns, and what the keys of each begin with."""

BETWEEN_PROCESSES: Final = {
    "ask, p50": ("ask_p50_us", "µs"),
    "ask, p99": ("ask_p99_us", "µs"),
    "asks/s, 1,000 in flight": ("asks_per_s", ""),
    "tells/s": ("tells_per_s", ""),
    "1 MiB tensors": ("tensor_1mib_gbs", "GB/s"),
    "64 MiB tensors": ("tensor_64mib_gbs", "GB/s"),
    "ask with a shared 64 MiB tensor, p50": ("shared_descriptor_us", "µs"),
    "cold start to the first answer": ("cold_start_s", "s"),
}
"""Rows of the first table: a key without its beginning, and its unit."""

IN_ONE_PROCESS: Final = {
    "ask": ("inproc_ask_us", "µs"),
    "ask, floor": ("floor_inproc_us", "µs"),
    "local spawns/s, unnamed": ("spawn_per_s", ""),
    "resident bytes per idle actor, after its first answer": ("idle_actor_bytes", ""),
    "processor time of a node with 10,000 idle actors": ("idle_node_percent", "% of a core"),
}
"""Rows of the second table."""

RATIOS: Final = (
    ("asks/s to xoscar's", "asks_per_s", "xoscar_asks_per_s", "≥ 5"),
    ("asks/s to Ray's", "asks_per_s", "ray_asks_per_s", "≥ 12"),
    ("ask p50 to xoscar's", "ask_p50_us", "xoscar_ask_p50_us", "≤ 0.9"),
    ("ask p50 over `unix` to xoscar's", "unix_ask_p50_us", "xoscar_ask_p50_us", "≤ 0.5"),
    ("the same with busy polling", "polled_ask_p50_us", "xoscar_ask_p50_us", "≤ 0.5"),
    ("ask p50 to blocking pyzmq's", "ask_p50_us", "floor_ask_p50_us", "≤ 1.5"),
    ("1 MiB tensors to xoscar's", "tensor_1mib_gbs", "xoscar_tensor_1mib_gbs", "≥ 4"),
    ("1 MiB tensors to the floor", "tensor_1mib_gbs", "floor_tensor_1mib_gbs", "≥ 0.8"),
    ("the same over `unix`", "unix_tensor_1mib_gbs", "floor_tensor_1mib_gbs", "≥ 0.8"),
    ("the same with busy polling", "polled_tensor_1mib_gbs", "floor_tensor_1mib_gbs", "≥ 0.8"),
    ("ask with a shared tensor to a small one", "shared_descriptor_ratio", "", "≤ 1.3"),
    ("64 MiB tensors to Ray's", "tensor_64mib_gbs", "ray_tensor_64mib_gbs", "≥ 0.9"),
    ("cold start to xoscar's", "cold_start_s", "xoscar_cold_start_s", "≤ 0.5"),
    ("ask in one process to a queue's hop", "inproc_ask_us", "floor_inproc_us", "≤ 3"),
)
"""What is aimed at: a ratio of two keys, or a key that is one already, and its bound."""


def main() -> None:
    """Read, render, write."""
    values = json.loads(sys.stdin.read())
    put(rendered(values), BEGIN, END)


def put(figures: str, begin: str, end: str, page: Path = PAGE) -> None:
    """Write figures between two marks of a page; exit where it lacks them."""
    before, _, rest = page.read_text(encoding="utf-8").partition(begin)
    _, _, after = rest.partition(end)
    if not after:
        sys.exit(f"{page} has no place for figures: {begin} ... {end}")
    page.write_text(f"{before}{begin}\n{figures}\n{end}{after}", encoding="utf-8")


def circumstances(values: dict[str, Any]) -> str:
    """Return what a run was made with, and how often it measured."""
    return (
        f"Machine: {values['machine']}, Python {values['python']}. Commit `{values['commit']}`, "
        f"{values['loop']}, load average {values['load_average']}, n = {values['n']}."
    )


def rendered(values: dict[str, Any]) -> str:
    """Return everything between the marks."""
    columns = {name: start for name, start in COLUMNS.items() if f"{start}asks_per_s" in values}
    between = [
        [label, *(figure(values, start + key, unit) for start in columns.values())]
        for label, (key, unit) in BETWEEN_PROCESSES.items()
    ]
    within = [[label, figure(values, *row)] for label, row in IN_ONE_PROCESS.items()]
    ratios = [
        [label, f"{values[key] / (values[other] if other else 1.0):.2f}", bound]
        for label, key, other, bound in RATIOS
        if key in values and (not other or other in values)
    ]
    tables = (
        table(["between two processes", *columns], between),
        table(["in one process", "Passel"], within),
        table(["ratio", "measured", "aim"], ratios),
    )
    return "\n\n".join((circumstances(values), *tables))


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def figure(values: dict[str, Any], key: str, unit: str) -> str:
    """Return a median with its 10th and 90th percentile, or nothing when it was not measured."""
    if key not in values:
        return ""
    middle, low, high = (number(values[k]) for k in (key, f"{key}_p10", f"{key}_p90"))
    return f"{middle} {unit} [{low}, {high}]".replace("  ", " ")


def number(value: float) -> str:
    """Return three digits that count, with separators."""
    short = float(f"{value:.3g}")
    return f"{short:,.0f}" if abs(short) >= 100 else f"{short:g}"


if __name__ == "__main__":
    main()
