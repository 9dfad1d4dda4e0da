"""Put the figures of a run of `calibration.py --json`, read from standard input, into its page.

    python benchmarks/calibration.py --peers hpbandster --json | python benchmarks/calibration_tables.py

Only what stands between the two marks of docs/calibration.md is replaced.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

from tables import figure, put, table

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "calibration.md"
BEGIN: Final = "<!-- figures of benchmarks/calibration.py -->"
END: Final = "<!-- end of figures -->"

LEVELS: Final = {25: "25.9", 10: "10", 5: "5"}

METHODS: Final = {
    "`log-odds`": "ours",
    "`log-odds`, not told who has a car": "ours_blind",
    "`log-ratio`, full runs": "logratio",
    "`log-ratio`, 4 iterations and forecasts": "logratio_short",
    "`bohb`": "bohb",
    "HpBandSter 0.7.4": "hpbandster",
    "Optuna's TPE and HyperBand": "tpe",
    "random": "random",
}
"""Methods, and what the keys of each end with."""

CREWS: Final = (1, 4, 8)

RATIOS: Final = (
    (
        "iterations of 1 worker to 25.9 over the log-ratio rule's",
        "iters_to_25_ours",
        "iters_to_25_logratio",
        0.6,
    ),
    ("iterations of 1 worker to 10 over BOHB's", "iters_to_10_ours", "iters_to_10_bohb", 0.1),
    (
        "time to 10 of 8 workers over the log-ratio rule's",
        "time8_to_10_ours",
        "time8_to_10_logratio",
        0.5,
    ),
)
"""What is aimed at: a ratio of two medians, and its bound."""

BARS: Final = (
    ("worker_idle", "≤ 0.05"),
    ("misattributed", "0"),
    ("recovered", "1"),
    ("recovery_ratio", "≤ 1.5"),
    ("recovery_iterations", "≤ 1,000"),
    ("unreachable_floor", ""),
    ("unreachable_best", "≤ floor + 2"),
)


def main() -> None:
    """Read, render, write."""
    put(rendered(json.loads(sys.stdin.read())), BEGIN, END, PAGE)


def rendered(values: dict[str, Any]) -> str:
    """Return everything between the marks."""
    heads = ["workers", *(f"≤ {level}" for level in LEVELS.values())]
    made = (
        f"Machine: {values['machine']}, Python {values['python']}. Commit `{values['commit']}`, "
        f"n = {values['n']}; medians with 10th and 90th percentile."
    )
    lines = [(label, name, workers) for label, name in METHODS.items() for workers in CREWS]
    return "\n\n".join(
        (
            made,
            table(["iterations", *heads], [iterations(values, *line) for line in lines]),
            table(["seconds", *heads, "idle"], [seconds(values, *line) for line in lines]),
            table(["", "measured", "aim"], [*ratios(values), *bars(values)]),
        )
    )


def iterations(values: dict[str, Any], label: str, method: str, workers: int) -> list[str]:
    """Return the iterations of a method with so many workers until each level."""
    named = named_of(method, workers)
    keys = [(f"iters_to_{n}_{named}", f"reached_{n}_{named}") for n in LEVELS]
    return [label, str(workers), *(reached(values, *pair) for pair in keys)]


def seconds(values: dict[str, Any], label: str, method: str, workers: int) -> list[str]:
    """Return the seconds until each level, and which part of its time a worker was idle."""
    named = named_of(method, workers)
    keys = [(f"time{workers}_to_{n}_{method}", f"reached_{n}_{named}") for n in LEVELS]
    found = [label, str(workers), *(reached(values, *pair) for pair in keys)]
    idle = values.get(f"idle{workers}_{method}")
    return [*found, "" if idle is None else f"{100 * idle:.0f} %"]


def named_of(method: str, workers: int) -> str:
    """Return what keys of iterations end with."""
    return method if workers == 1 else f"{method}{workers}"


def reached(values: dict[str, Any], key: str, share: str) -> str:
    """Return a figure, and how many got there if not all did."""
    found = figure(values, key, "")
    part = values.get(share, 1.0)
    return f"{found}; {100 * part:.0f} % of seeds" if found and part < 1 else found


def ratios(values: dict[str, Any]) -> list[list[str]]:
    """Return the ratios that are aimed at."""
    return [
        [label, f"{values[key] / values[other]:.2f}", f"≤ {bound}"]
        for label, key, other, bound in RATIOS
    ]


def bars(values: dict[str, Any]) -> list[list[str]]:
    """Return the other figures that are aimed at."""
    spread = [(key, aim, f"{key}_p10" in values) for key, aim in BARS]
    return [
        [f"`{key}`", figure(values, key, "") if wide else f"{values[key]:g}", aim]
        for key, aim, wide in spread
    ]


if __name__ == "__main__":
    main()
