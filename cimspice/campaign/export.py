"""The run folder: the result table as Parquet and CSV, and what the run was, as JSON; all of one run."""

import json
import math
import re
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

from cimspice.campaign.limits import CONFIDENCE, LimitResult, Share, Yield
from cimspice.campaign.load import Record, file_digest, read_record
from cimspice.campaign.run import Result
from cimspice.campaign.run_waveforms import write_run_waveforms
from cimspice.campaign.store import Store
from cimspice.files import write_atomically, written_together


def export(result: Result, folder: Path) -> dict[str, Path]:
    """Write ``table.parquet``, ``table.csv`` and ``run.json`` into a run folder, and ``waveforms.parquet`` if
    the campaign keeps waveforms.

    They become valid together: where one cannot be written, the run that the folder held stays as it was.
    What that run left besides (:func:`superseded`) goes with its table. ``run.json`` holds the digests of the
    others. Parquet keeps units and provenance in ``attrs``; the CSV is plain, its units are in ``run.json``.

    Returns
    -------
    dict
        ``"parquet"``, ``"csv"``, ``"run"`` and perhaps ``"waveforms"`` with the paths.
    """
    keep = result.plan.specification.keep.vectors
    names = {"parquet": "table.parquet", "csv": "table.csv", "run": "run.json"}
    with written_together(folder, last=names["run"]) as aside:
        if keep is not None and result.store is not None:
            names["waveforms"] = "waveforms.parquet"
            with Store(result.store) as store:
                write = partial(write_run_waveforms, plan=result.plan, store=store)
                write_atomically(aside / names["waveforms"], write)
        write_atomically(aside / names["parquet"], result.table.to_parquet)
        write_atomically(aside / names["csv"], lambda path: result.table.to_csv(path, index=False))
        files = {path.name: file_digest(path) for path in sorted(aside.iterdir())}
        _write_record(aside / names["run"], {**describe(result), "files": files})
        for path in superseded(result, folder):
            path.unlink()
    return {kind: folder / name for kind, name in names.items()}


def superseded(result: Result, folder: Path) -> list[Path]:
    """What a folder holds of the run that this one is to take the place of, besides the files of its own
    name: figures, model cards of ``[[fit]]``, waveforms, and the page unless the runs are the same.
    """
    old = read_record(folder)
    if old is None:
        return []
    names = {"waveforms.parquet", *old.files} - {"table.parquet", "table.csv"}
    names |= {  # of a version that did not list them, or of a run that was killed before it did
        f"figures/{figure.name or f'figure_{index + 1}'}.{ending}"
        for index, figure in enumerate(old.figures)
        for ending in ("png", "svg")
    }
    new = Record.model_validate(json.loads(_as_json(describe(result))))
    if old.model_copy(update={name: getattr(new, name) for name in ("seconds", "cached", "files")}) != new:
        names.add("report.html")
    # the names are those of a file that may be a stranger's
    plain = [name for name in sorted(names) if re.fullmatch(r"((figures|cards)/)?\w[\w.+-]*", name)]
    links = {name for name in ("figures", "cards") if (folder / name).is_symlink()}
    paths = [folder / name for name in plain if name.partition("/")[0] not in links]
    return [path for path in paths if path.is_file() or path.is_symlink()]


def add_files(folder: Path, paths: Iterable[Path]) -> None:
    """Name further files of a run, with their digests, in its ``run.json``."""
    path = folder / "run.json"
    described = json.loads(path.read_text(encoding="utf-8"))
    described["files"] |= {file.relative_to(folder).as_posix(): file_digest(file) for file in paths}
    _write_record(path, described)


def _write_record(path: Path, described: dict[str, Any]) -> None:
    # what is not UTF-8, such as a name of a file on a disk, is written out
    content = _as_json(described).encode("utf-8", errors="backslashreplace")
    write_atomically(path, lambda temporary: temporary.write_bytes(content))


def _as_json(described: dict[str, Any]) -> str:
    return json.dumps(described, indent=2, ensure_ascii=False, default=str)


def describe_counts(result: Result) -> dict[str, Any]:
    """Points, time, limits and yield of a run, fit for JSON."""
    names = ("points", "done", "cached", "failed", "relaxed", "stopped", "seconds")
    return {
        **{name: getattr(result, name) for name in names},
        "limits": [describe_limit(limit) for limit in result.limits],
        "yield": None if result.overall is None else describe_yield(result.overall),
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
        **describe_counts(result),
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
