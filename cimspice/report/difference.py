"""What changed between two runs: what they rest on, what was asked for, and what was measured, ranked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cimspice.campaign.load import Failure, Run, read_run
from cimspice.report.page_limits import judge, read_limits
from cimspice.report.page_study import SAMPLE, Study
from cimspice.report.quantity import compact

_RESULTS_ALONE = ("digest", "table_digest")  # digests over the results: they differ whenever anything does
_DESIGN = "design"  # in the provenance: the circuit's files with their digests
_ROUND_OFF = 1e-9  # of a quantity's largest size: what a different machine may change
_DIGITS = 12  # of a condition, to tell rows that belong together


@dataclass(frozen=True)
class Change:
    """A fact that differs: ``section`` is provenance, design, parameters, conditions, quantities or limits.

    ``before`` and ``after`` are None where a run does not have it; ``unit`` is that of a parameter.
    """

    section: str
    name: str
    before: Any
    after: Any
    unit: str = ""


@dataclass(frozen=True)
class Effect:
    """How a quantity changed.

    Attributes
    ----------
    column, unit
        What was measured.
    pairs
        Rows of the same conditions in both runs; of Monte Carlo runs, conditions compared by their means.
    change
        Mean of B − A, in the unit.
    percent
        Median of the change in percent of A's size; None where A is zero.
    largest, where, place
        The change largest in size, the conditions it is at, and these in words.
    spread, spread_over
        Standard deviation in run A that the change is held against, and over what it was taken.
    effect
        Rms of the change divided by the spread: what effects are ranked by. None where nothing spreads.
    deviation_ratio
        Standard deviation over samples of B divided by that of A; None without samples.
    """

    column: str
    unit: str
    pairs: int
    change: float
    percent: float | None
    largest: float
    where: dict[str, Any]
    place: str
    spread: float
    spread_over: str
    effect: float | None
    deviation_ratio: float | None


@dataclass(frozen=True)
class Difference:
    """Run B against run A.

    ``effects`` are ranked, largest first; ``unchanged`` are quantities that are equal. ``only_a`` and
    ``only_b`` count conditions that one run alone has; ``new_failures`` and ``gone_failures`` failed points
    that only one has.
    """

    changes: list[Change]
    effects: list[Effect]
    unchanged: list[str]
    only_a: int
    only_b: int
    new_failures: list[Failure]
    gone_failures: list[Failure]

    @property
    def identical(self) -> bool:
        """Whether nothing at all differs."""
        return not (
            self.changes
            or self.effects
            or self.only_a
            or self.only_b
            or self.new_failures
            or self.gone_failures
        )


def compare_runs(before: str | Path, after: str | Path) -> Difference:
    """Compare two run folders.

    Rows are paired by their conditions and by what was swept within a point. Monte Carlo runs are compared by
    mean and deviation over their samples, because sample 3 of one run need not be the chip of sample 3 of the
    other.

    Raises
    ------
    TableError
        If a run folder cannot be used.
    """
    one, two = read_run(before), read_run(after)
    a, b = Study.of(one), Study.of(two)
    names = _keys(a, b)
    effects, unchanged, unpaired = [], [], (0, 0)
    for column in [name for name in a.quantities if name in b.quantities]:
        found, unpaired = _effect(a, b, names, column)
        if found is None:
            unchanged.append(column)
        else:
            effects.append(found)
    effects.sort(key=lambda entry: -(np.inf if entry.effect is None else entry.effect))
    failures = [{_identity(failure): failure for failure in run.record.failures} for run in (one, two)]
    return Difference(
        changes=[*_facts(one, two, a, b), *_limits(one, two, a, b)],
        effects=effects,
        unchanged=unchanged,
        only_a=unpaired[0],
        only_b=unpaired[1],
        new_failures=[failure for key, failure in failures[1].items() if key not in failures[0]],
        gone_failures=[failure for key, failure in failures[0].items() if key not in failures[1]],
    )


def _identity(failure: Failure) -> str:
    return compact([failure.parameters, failure.corner, failure.temperature, failure.error])


def _facts(one: Run, two: Run, a: Study, b: Study) -> list[Change]:
    """Provenance, fixed parameters, values of what was varied, and columns."""
    origins = [
        {k: v for k, v in run.table.attrs["provenance"].items() if k not in _RESULTS_ALONE}
        for run in (one, two)
    ]
    files = [origin.pop(_DESIGN, None) for origin in origins]
    changes = _different("provenance", *origins)
    if all(isinstance(entry, dict) for entry in files):  # runs of earlier versions do not tell
        changes += _different(_DESIGN, *files)
    varied = {*a.varied, *b.varied}
    asked = [{**run.record.campaign.parameters, **study.fixed} for run, study in ((one, a), (two, b))]
    fixed = [{name: value for name, value in given.items() if name not in varied} for given in asked]
    changes += [
        replace(change, unit=a.unit(change.name) or b.unit(change.name))
        for change in _different("parameters", *fixed)
    ]
    values = [{name: _values(study, name) for name in varied if name in study.table} for study in (a, b)]
    changes += _different("conditions", *values)
    measured = [{name: study.unit(name) for name in study.quantities} for study in (a, b)]
    return changes + _different("quantities", *measured)


def _values(study: Study, name: str) -> str:
    values = study.table[name].drop_duplicates().tolist()
    if name == SAMPLE or len(values) > 12:
        return f"{len(values)} values"
    return compact(values)


def _different(section: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    names = dict.fromkeys((*before, *after))
    return [
        Change(section, name, before.get(name), after.get(name))
        for name in names
        if compact(before.get(name)) != compact(after.get(name))
    ]


def _limits(one: Run, two: Run, a: Study, b: Study) -> list[Change]:
    """Limits that only one run keeps or has."""
    verdicts = []
    for run, study in ((one, a), (two, b)):
        judged, _ = judge(study, read_limits(run.record.limits)[0])
        verdicts.append(
            {v.limit.column: "pass" if v.holds else f"{v.rows - v.passed} of {v.rows} fail" for v in judged}
        )
    return _different("limits", *verdicts)


def _keys(a: Study, b: Study) -> list[str]:
    """Columns that say which row of one run belongs to which of the other."""
    names = dict.fromkeys((*a.varied, *b.varied, *a.coordinates, *b.coordinates))
    return [name for name in names if name in a.table and name in b.table and name != SAMPLE]


def _collected(study: Study, names: Sequence[str], column: str) -> pd.DataFrame:
    """Mean, deviation and count of a quantity by conditions, indexed by them as text."""
    frame = study.table[[*names, column]].rename(columns={column: "_value"})
    frame = frame[np.isfinite(frame["_value"])]
    frame["_key"] = [_text(values) for values in frame[list(names)].itertuples(index=False)]
    grouped = frame.groupby("_key", sort=False)["_value"].agg(["mean", "std", "count"])
    firsts = frame.drop_duplicates("_key").set_index("_key")
    return grouped.join(firsts[list(names)])


def _text(values: Sequence[Any]) -> str:
    """Conditions as text: numbers that differ by rounding are the same condition."""
    return compact([f"{value:.{_DIGITS}g}" if isinstance(value, float) else value for value in values])


def _effect(a: Study, b: Study, names: Sequence[str], column: str) -> tuple[Effect | None, tuple[int, int]]:
    """How one quantity changed, None if it did not; and how many conditions only one run has."""
    before, after = (_collected(study, names, column) for study in (a, b))
    paired = before.join(after[["mean", "std", "count"]].add_suffix("_after"), how="inner")
    unpaired = (len(before) - len(paired), len(after) - len(paired))
    change = paired["mean_after"] - paired["mean"]
    size = float(max(before["mean"].abs().max(), after["mean"].abs().max()))
    deviations = _ratio(paired)
    quiet = deviations is None or abs(deviations - 1) < _ROUND_OFF
    if paired.empty or (float(change.abs().max()) <= _ROUND_OFF * size and quiet):
        return None, unpaired
    spread, over = _spread(a, names, column, before)
    known = paired["mean"] != 0
    percent = float((100 * change[known] / paired["mean"][known].abs()).median()) if known.any() else None
    largest = int(np.argmax(change.abs().to_numpy()))
    rms = float(np.sqrt(np.mean(change**2)))
    return Effect(
        column=column,
        unit=a.unit(column),
        pairs=len(paired),
        change=float(change.mean()),
        percent=percent,
        largest=float(change.iloc[largest]),
        where={name: paired[name].iloc[largest] for name in names},
        place=a.named(names, [paired[name].iloc[largest] for name in names]),
        spread=spread,
        spread_over=over,
        effect=rms / spread if spread > 0 else None,
        deviation_ratio=deviations,
    ), unpaired


def _ratio(paired: pd.DataFrame) -> float | None:
    """Deviation over samples, after by before; None where one has none."""
    sampled = paired[(paired["count"] > 1) & (paired["count_after"] > 1) & (paired["std"] > 0)]
    if sampled.empty:
        return None
    return float(np.sqrt(np.mean(sampled["std_after"] ** 2) / np.mean(sampled["std"] ** 2)))


def _spread(a: Study, names: Sequence[str], column: str, before: pd.DataFrame) -> tuple[float, str]:
    """Standard deviation of run A over samples, else over corners and temperatures, else over all rows."""
    sampled = before[before["count"] > 1]
    if len(sampled) and SAMPLE in a.varied:
        return float(np.sqrt(np.mean(sampled["std"] ** 2))), "samples"
    over = [name for name in ("corner", "temperature") if name in a.varied]
    rest = [name for name in names if name not in over]
    if over:
        parts = before.groupby(rest, sort=False, dropna=False)["mean"] if rest else None
        deviations = pd.Series([before["mean"].std(ddof=0)]) if parts is None else parts.std(ddof=0)
        return float(np.sqrt(np.mean(deviations**2))), " and ".join(f"{name}s" for name in over)
    return float(before["mean"].std(ddof=0)), "all rows"
