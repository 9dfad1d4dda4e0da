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

CREWS: Final = {
    "`log-odds`, 1 worker": ("ours", 1),
    "`log-odds`, 4 workers": ("ours", 4),
    "`log-odds`, 8 workers": ("ours", 8),
    "`log-ratio`, however many": ("logratio", 1),
    "`bohb`, 1 worker": ("bohb", 1),
    "`bohb`, 8 workers": ("bohb", 8),
}

RATIOS: Final = (
    (
        "iterations to 25.9 over the log-ratio rule's",
        "iters_to_25_ours",
        "iters_to_25_logratio",
        0.6,
    ),
    ("iterations to 10 over BOHB's", "iters_to_10_ours", "iters_to_10_bohb", 0.1),
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
    heads = [f"≤ {level}" for level in LEVELS.values()]
    made = (
        f"Machine: {values['machine']}, Python {values['python']}. Commit `{values['commit']}`, "
        f"n = {values['n']}; medians with 10th and 90th percentile."
    )
    return "\n\n".join(
        (
            made,
            table(["iterations of one worker", *heads], [row(values, m) for m in METHODS.items()]),
            table(["seconds", *heads], [crew(values, *line) for line in CREWS.items()]),
            table(["", "measured", "aim"], [*ratios(values), *bars(values)]),
        )
    )


def row(values: dict[str, Any], method: tuple[str, str]) -> list[str]:
    """Return the iterations of a method until each level, with the part of the seeds that got there."""
    label, name = method
    return [
        label,
        *(reached(values, f"iters_to_{n}_{name}", f"reached_{n}_{name}") for n in LEVELS),
    ]


def crew(values: dict[str, Any], label: str, who: tuple[str, int]) -> list[str]:
    """Return the seconds of a method with so many workers until each level."""
    name, workers = who
    named = name if workers == 1 else f"{name}{workers}"
    keys = [(f"time{workers}_to_{n}_{name}", f"reached_{n}_{named}") for n in LEVELS]
    return [label, *(reached(values, *pair) for pair in keys)]


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
