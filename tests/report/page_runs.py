"""Run folders for the tests of reports and comparisons, written as a campaign writes them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cimspice.fit import CurveSelection, ModelCard
from cimspice.neuron.model.synapse import ReversalSynapse

PROVENANCE = {
    "bench": "test",
    "ngspice": "libngspice 39",
    "pdk": "sky130 1.0",
    "pdk_digest": "aa",
    "code": "cc",
}
UNITS = {
    "gate_bias": "V",
    "membrane_voltage": "V",
    "current": "A",
    "delay": "s",
    "temperature": "°C",
    "width": "m",
}


def write_run(
    folder: Path,
    table: pd.DataFrame,
    conditions: Sequence[str],
    *,
    title: str = "A run",
    parameters: dict[str, Any] | None = None,
    provenance: dict[str, Any] | None = None,
    **record: Any,
) -> Path:
    """A run folder with this table; ``record`` goes into ``run.json``."""
    folder.mkdir(parents=True)
    table = table.copy()
    origin = {**PROVENANCE, **(provenance or {})}
    table.attrs = {
        "units": {name: UNITS.get(name, "") for name in table.columns},
        "conditions": list(conditions),
        "provenance": origin,
    }
    table.to_parquet(folder / "table.parquet")
    campaign = {"bench": "test", "title": title, "parameters": parameters or {}}
    content = {
        "campaign": campaign,
        "failed": len(record.get("failures", [])),
        "provenance": origin,
        **record,
    }
    (folder / "run.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


def synapse_table(noise: float = 0.002, corners: Sequence[str] = ("tt",)) -> pd.DataFrame:
    """I = I0 (1 + 0.4 (V − 1.3 V)) at seven gate biases, with relative noise."""
    random = np.random.default_rng(11)
    rows = []
    for number, corner in enumerate(corners):
        for bias in np.linspace(0.5, 0.62, 7).round(3):
            for voltage in np.linspace(0.4, 1.4, 26).round(3):
                current = (
                    1e-7 * np.exp((bias - 0.55) / 0.04) * (1 + 0.4 * (voltage - 1.3)) * (1 + 0.1 * number)
                )
                rows.append((bias, corner, 27.0, "n", voltage, current * (1 + noise * random.normal())))
    return pd.DataFrame(
        rows, columns=["gate_bias", "corner", "temperature", "polarity", "membrane_voltage", "current"]
    )


def synapse_run(folder: Path, **record: Any) -> Path:
    """Curves of a synapse, with the card of its fit beside them."""
    table = synapse_table()
    figure = {
        "x": "membrane_voltage",
        "y": "current",
        "by": ["gate_bias"],
        "name": "curves",
        "title": "Synapse",
    }
    write_run(folder, table, ["gate_bias", "corner", "temperature", "polarity"], figures=[figure], **record)
    fit = ReversalSynapse.fit(table, CurveSelection("n", order=None))
    ModelCard.from_fit(fit, {"corner": "tt", "temperature": 27.0}).save(folder / "reversal_synapse_n.json")
    return folder


def sample_table(samples: int = 100, corners: Sequence[str] = ("tt", "ss")) -> pd.DataFrame:
    """Delay and current of normal samples at some corners and two temperatures."""
    random = np.random.default_rng(5)
    return pd.DataFrame(
        [
            (
                corner,
                temperature,
                sample,
                1e-9 * (1 + 0.2 * index + 0.05 * draw),
                1e-6 * (1 - 0.1 * index + 0.03 * other),
            )
            for index, corner in enumerate(corners)
            for temperature in (27.0, 85.0)
            for sample, (draw, other) in enumerate(random.normal(size=(samples, 2)))
        ],
        columns=["corner", "temperature", "sample", "delay", "current"],
    )
