"""The run folder: the result table as Parquet and CSV, and what the run was, as JSON; every file whole or
absent.
"""

from __future__ import annotations

import json
import math
from functools import partial
from pathlib import Path
from typing import Any

from cimspice.campaign.limits import CONFIDENCE, LimitResult, Share, Yield
from cimspice.campaign.run import Result
from cimspice.campaign.run_waveforms import write_run_waveforms
from cimspice.campaign.store import Store
from cimspice.files import write_atomically


def export(result: Result, folder: Path) -> dict[str, Path]:
    """Write ``table.parquet``, ``table.csv`` and ``run.json`` into a run folder, and ``waveforms.parquet`` if
    the campaign keeps waveforms.

    Parquet keeps units and provenance in ``attrs``; the CSV is plain, its units are in ``run.json``.

    Returns
    -------
    dict
        ``"parquet"``, ``"csv"``, ``"run"`` and perhaps ``"waveforms"`` with the paths.
    """
    files: dict[str, Path] = {}
    keep = result.plan.specification.keep.vectors
    if keep is not None and result.store is not None:
        with Store(result.store) as store:
            write = partial(write_run_waveforms, plan=result.plan, store=store)
            files["waveforms"] = write_atomically(folder / "waveforms.parquet", write)
    text = json.dumps(describe(result), indent=2, ensure_ascii=False, default=str)
    return files | {
        "parquet": write_atomically(folder / "table.parquet", result.table.to_parquet),
        "csv": write_atomically(folder / "table.csv", lambda path: result.table.to_csv(path, index=False)),
        "run": write_atomically(folder / "run.json", lambda path: path.write_text(text, encoding="utf-8")),
    }


def describe(result: Result) -> dict[str, Any]:
    """What a run was: campaign, counts, units, provenance and failures, fit for JSON."""
    specification = result.plan.specification
    return {
        "campaign": {
            "bench": specification.bench.name,
            "title": specification.title,
            "source": specification.source,
            "parameters": specification.parameters,
            "sweep": [{"names": group.names, "values": group.values} for group in specification.groups],
            "corners": specification.corners,
            "temperatures": specification.temperatures,
            "monte_carlo": specification.monte_carlo and specification.monte_carlo.model_dump(),
            "failures": specification.policy.model_dump(),
            "keep": specification.keep.model_dump(),
        },
        "adaptive": result.adaptive and result.adaptive.describe(),
        "figures": [figure.model_dump(mode="json") for figure in specification.figures],
        "points": result.points,
        "done": result.done,
        "cached": result.cached,
        "failed": result.failed,
        "relaxed": result.relaxed,
        "stopped": result.stopped,
        "seconds": result.seconds,
        "limits": [describe_limit(limit) for limit in result.limits],
        "yield": None if result.overall is None else describe_yield(result.overall),
        "units": result.table.attrs["units"],
        "provenance": result.table.attrs["provenance"],
        "failures": [
            {
                "parameters": point.given,
                "corner": point.corner,
                "temperature": point.temperature,
                "sample": point.sample,
                "error": record.error,
                "message": record.message,
            }
            for point, record in result.failures
        ],
    }


def describe_limit(result: LimitResult) -> dict[str, Any]:
    """A limit, what was measured, and its yield, fit for JSON; what is not a number is None."""
    measured = {"smallest": result.smallest, "median": result.median, "largest": result.largest}
    finite = {name: value if math.isfinite(value) else None for name, value in measured.items()}
    return {**result.limit.model_dump(), **finite, "yield": describe_yield(result.result)}


def describe_yield(result: Yield) -> dict[str, Any]:
    """A yield, fit for JSON: samples that pass under the worst condition, and under all; without Monte Carlo
    points that pass, which have no interval.
    """
    where, worst = result.worst
    if not result.conditions:
        return {**_describe_share(worst), "interval": None}
    return {
        **_describe_share(worst),
        "where": where,
        "conditions": len(result.conditions),
        "everywhere": _describe_share(result.everywhere),
        "confidence": CONFIDENCE,
    }


def _describe_share(share: Share) -> dict[str, Any]:
    return {
        "passed": share.passed,
        "points": share.count,
        "fraction": share.fraction if share.count else None,
        "interval": [*share.interval],
    }
