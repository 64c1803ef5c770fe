"""How long the report of a 5,000-point campaign takes to open, and to write.

Three run folders of 5,000 points: ``curves`` (a curve of 21 rows at 5 corners, 5 temperatures, 5 gate
biases and 40 samples), ``samples`` (three quantities, 5 corners, 5 temperatures, 200 samples), ``grid`` (one
quantity over 50 widths, 50 lengths and 2 corners). Each page is opened in a headless Chromium that was just
started, 1200 and 390 pixels wide: ``open_seconds`` from navigation to the last figure drawn,
``open_cpu_seconds`` the CPU time of the page's main thread meanwhile, which a busy machine changes little;
``write_cpu_seconds`` is the CPU time to write the page, ``load`` the machine's load average.

Run ``python benchmarks/report.py --json``; half a minute. Needs Chromium.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cimspice.report.page import write_page

sys.path.append(str(Path(__file__).parents[1] / "tests" / "report"))

from browser import (  # pyright: ignore[reportMissingImports] (found through the path above)
    Browser,
    find_chromium,
)
from page_runs import write_run  # pyright: ignore[reportMissingImports] (likewise)

CORNERS = ("tt", "ss", "ff", "sf", "fs")
TEMPERATURES = (-40.0, 0.0, 27.0, 85.0, 125.0)
WIDTHS = (1200, 390)


def tables() -> Iterator[tuple[str, pd.DataFrame, list[str], dict[str, Any]]]:
    """Name, table, conditions and what else the run folder says."""
    random = np.random.default_rng(0)
    voltage = np.linspace(0.4, 1.4, 21).round(3)
    rows = [
        (corner, temperature, bias, sample, at, size * (1 + 0.4 * (at - 1.3)))
        for number, corner in enumerate(CORNERS)
        for temperature in TEMPERATURES
        for bias in (0.5, 0.53, 0.56, 0.59, 0.62)
        for sample in range(40)
        for size in [1e-7 * np.exp((bias - 0.55) / 0.04) * (1 + 0.03 * number + 0.01 * random.normal())]
        for at in voltage
    ]
    names = ["corner", "temperature", "gate_bias", "sample", "membrane_voltage", "current"]
    figure = {"x": "membrane_voltage", "y": "current", "by": ["gate_bias", "corner"], "log": ["y"]}
    limit = {"column": "current", "maximum": 1e-6}
    yield "curves", pd.DataFrame(rows, columns=names), names[:4], {"figures": [figure], "limits": [limit]}

    rows = [
        (
            corner,
            temperature,
            sample,
            1e-9 * (1 + 0.1 * number + 0.05 * a),
            1e-6 * (1 + 0.03 * b),
            0.5 + 0.02 * c,
        )
        for number, corner in enumerate(CORNERS)
        for temperature in TEMPERATURES
        for sample, (a, b, c) in enumerate(random.normal(size=(200, 3)))
    ]
    names = ["corner", "temperature", "sample", "delay", "current", "noise_margin"]
    limit = {"column": "delay", "maximum": 1.5e-9}
    yield "samples", pd.DataFrame(rows, columns=names), names[:3], {"limits": [limit]}

    rows = [
        (width, length, corner, 1e-6 * width / length * (1 + 0.1 * number))
        for number, corner in enumerate(CORNERS[:2])
        for width in np.linspace(1, 5, 50).round(3)
        for length in np.linspace(0.15, 2, 50).round(3)
    ]
    yield (
        "grid",
        pd.DataFrame(rows, columns=["width", "length", "corner", "current"]),
        ["width", "length", "corner"],
        {},
    )


def measure(program: str) -> dict[str, Any]:
    """Seconds by run folder."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as place:
        for name, table, conditions, record in tables():
            run = write_run(Path(place) / name, table, conditions, points=5000, **record)
            began = time.process_time()
            page = write_page(run)
            result = {"rows": len(table), "figures": page.figures, "megabytes": page.size / 1e6}
            result["write_cpu_seconds"] = time.process_time() - began
            for width in WIDTHS:
                with Browser(program) as browser:
                    result[f"open_seconds_{width}"] = browser.open(page.path, width)
                    result[f"open_cpu_seconds_{width}"] = browser.cpu_seconds()
                    if browser.errors:
                        raise RuntimeError(browser.errors)
            found[name] = result
    pages = list(found.values())
    for name in ("open_seconds", "open_cpu_seconds"):
        found[name] = max(entry[f"{name}_{width}"] for entry in pages for width in WIDTHS)
    found["load"] = os.getloadavg()[0]
    return found


def main() -> None:
    """Print the result."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    program = find_chromium()
    if program is None:
        raise SystemExit("Chromium is not installed: apt-get install chromium")
    found = measure(program)
    if arguments.json:
        print(json.dumps(found, indent=2))
        return
    for name, result in found.items():
        shown = (
            ", ".join(f"{key} {value:.3g}" for key, value in result.items())
            if isinstance(result, dict)
            else result
        )
        print(f"{name}: {shown}")


if __name__ == "__main__":
    main()
