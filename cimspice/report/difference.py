"""What changed between two runs: what they rest on, what was asked for, and what was measured, ranked."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cimspice.campaign.load import Failure, Run, read_run
from cimspice.report.page_limits import judge, read_limits
from cimspice.report.page_study import SAMPLE, Study
from cimspice.report.pairing import Pairing
from cimspice.report.quantity import compact

_RESULTS_ALONE = ("digest", "table_digest")  # digests over the results: they differ whenever anything does
_DESIGN = "design"  # in the provenance: the circuit's files with their digests
_COUNTS = ("points", "failed", "relaxed", "stopped")
_ROUND_OFF = 1e-9  # of a value's own size: what a different machine may change


@dataclass(frozen=True)
class Change:
    """A fact that differs: ``section`` is provenance, design, parameters, conditions, columns (type and unit
    of what was measured), values (text and truth values), limits, counts, adaptive or files.

    ``before`` and ``after`` are None where a run does not have it; ``unit`` is that of a parameter; ``where``
    says how many rows differ and at what conditions the first of them is.
    """

    section: str
    name: str
    before: Any
    after: Any
    unit: str = ""
    where: str = ""


@dataclass(frozen=True)
class Effect:
    """How a quantity changed."""

    column: str
    unit: str
    """``column``, ``unit``: what was measured."""
    rows: int
    changed: int
    """``rows``, ``changed``: rows that both runs have, and those of them whose value differs by more than
    1e-9 of itself, or is a number in one run alone."""
    not_finite: tuple[int, int]
    """Of these rows, how many are NaN or infinite: in A, in B."""
    pairs: int
    """Conditions compared by their means over samples; rows where there are none."""
    change: float
    """Mean of B − A, in the unit; NaN where no condition has a number in both."""
    percent: float | None
    """Median of the change in percent of A's size; None where A is zero."""
    largest: float
    where: dict[str, Any]
    place: str
    """``largest``, ``where``, ``place``: the change largest in size, the conditions it is at, and these in
    words."""
    spread: float
    spread_over: str
    """``spread``, ``spread_over``: standard deviation in run A that the change is held against, and over what
    it was taken."""
    effect: float | None
    """Rms of the change divided by the spread: what effects are ranked by. None where nothing spreads."""
    deviation_ratio: float | None
    """Standard deviation over samples of B divided by that of A; None without samples."""


@dataclass(frozen=True)
class Difference:
    """Run B against run A.

    ``effects`` are ranked, largest first; ``unchanged`` are measured columns that are equal. ``only_a`` and
    ``only_b`` count rows that one run alone has; ``new_failures`` and ``gone_failures`` failed points that
    only one has.
    """

    changes: list[Change]
    effects: list[Effect]
    unchanged: list[str]
    only_a: int
    only_b: int
    new_failures: list[Failure]
    gone_failures: list[Failure]
    changed: list[str] = field(init=False)
    """Names of all that differs: facts and columns, ``rows`` and ``failures``; empty for runs that are the
    same.
    """

    def __post_init__(self) -> None:
        names = [entry.name for entry in self.changes] + [entry.column for entry in self.effects]
        names += ["rows"] if self.only_a or self.only_b else []
        names += ["failures"] if self.new_failures or self.gone_failures else []
        object.__setattr__(self, "changed", list(dict.fromkeys(names)))

    @property
    def same(self) -> bool:
        """Whether nothing at all differs."""
        return not self.changed


def compare_runs(before: str | Path, after: str | Path) -> Difference:
    """Compare two run folders.

    Rows are paired by their conditions and by what was swept within a point. The size of an effect in a Monte
    Carlo run is that of means and deviations over samples, because sample 3 of one run need not be the chip
    of sample 3 of the other. A folder whose files are not of one run is compared as it is, which is a change.

    TableError if a run folder cannot be used.
    """
    one, two = read_run(before, whole=False), read_run(after, whole=False)
    a, b = Study.of(one), Study.of(two)
    pairing = Pairing.of(a, b)
    effects, unchanged, changes = [], [], _facts(one, two, a, b)
    for column in _measured(one, a):
        if column not in _measured(two, b) or column in pairing.names:
            continue
        values = [run.table[column] for run in (one, two)]
        numeric = [pd.api.types.is_numeric_dtype(side) and not _is_truth(side) for side in values]
        if all(numeric):
            found = _effect(pairing, a, column, *(side.to_numpy(float, na_value=np.nan) for side in values))
            effects += [found] if found else []
        else:
            found = _other(pairing, a, column, a.table[column], b.table[column])
            changes += (
                [found] if found and not any(numeric) else []
            )  # else its type changed, which is reported
        if found is None and len(pairing.rows_a):
            unchanged.append(column)
    effects.sort(key=lambda entry: -(np.inf if entry.effect is None else entry.effect))
    failures = [{_identity(failure): failure for failure in run.record.failures} for run in (one, two)]
    return Difference(
        changes=[*changes, *_limits(one, two, a, b)],
        effects=effects,
        unchanged=unchanged,
        only_a=len(a.table) - len(pairing.rows_a),
        only_b=len(b.table) - len(pairing.rows_b),
        new_failures=[failure for key, failure in failures[1].items() if key not in failures[0]],
        gone_failures=[failure for key, failure in failures[0].items() if key not in failures[1]],
    )


def _identity(failure: Failure) -> str:
    return compact([failure.parameters, failure.corner, failure.temperature, failure.sample, failure.error])


def _is_truth(column: pd.Series) -> bool:
    return pd.api.types.is_bool_dtype(column)


def _measured(run: Run, study: Study) -> list[str]:
    return [name for name in study.units if name not in run.table.attrs["conditions"]]


def _facts(one: Run, two: Run, a: Study, b: Study) -> list[Change]:
    """Files, provenance, fixed parameters, values of what was varied, columns, counts, choice of points."""
    origins = [
        {k: v for k, v in run.table.attrs["provenance"].items() if k not in _RESULTS_ALONE}
        for run in (one, two)
    ]
    files = [origin.pop(_DESIGN, None) for origin in origins]
    changes = _different("files", *({"table.parquet": run.problem or "as written"} for run in (one, two)))
    changes += _different("provenance", *origins)
    if all(isinstance(entry, dict) for entry in files):  # runs of earlier versions do not say
        changes += _different(_DESIGN, *files)
    varied = {*a.varied, *b.varied}
    asked = [
        {
            **run.record.campaign.parameters,
            **{f"monte_carlo.{k}": v for k, v in (run.record.campaign.monte_carlo or {}).items()},
            **study.fixed,
        }
        for run, study in ((one, a), (two, b))
    ]
    fixed = [{name: value for name, value in given.items() if name not in varied} for given in asked]
    changes += [
        replace(change, unit=a.unit(change.name) or b.unit(change.name))
        for change in _different("parameters", *fixed)
    ]
    values = [{name: _values(study, name) for name in varied if name in study.table} for study in (a, b)]
    changes += _different("conditions", *values)
    both = len(one.table) > 0 and len(two.table) > 0  # the columns of no rows have no type
    kinds = [
        {
            name: f"{_kind(run.table[name]) if both else ''} {study.unit(name)}".strip()
            for name in study.units
            if name in a.table.columns.intersection(b.table.columns) or name in _measured(run, study)
        }
        for run, study in ((one, a), (two, b))
    ]
    changes += _different("columns", *kinds)
    changes += _different(
        "counts", *({name: getattr(run.record, name) for name in _COUNTS} for run in (one, two))
    )
    chosen = [run.record.adaptive if isinstance(run.record.adaptive, dict) else {} for run in (one, two)]
    return changes + _different("adaptive", *chosen)


def _kind(column: pd.Series) -> str:
    return str(column.dtype) if pd.api.types.is_numeric_dtype(column) else "text"


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
    """Limits that only one run keeps or has, and those of other bounds."""
    verdicts: list[dict[str, str]] = []
    bounds: list[dict[str, str]] = []
    for run, study in ((one, a), (two, b)):
        limits = read_limits(run.record.limits)[0]
        bounds.append({f"{limit.column} {n}": compact(limit.model_dump()) for n, limit in enumerate(limits)})
        judged, _ = judge(study, limits)
        verdicts.append(
            {v.limit.column: "pass" if v.holds else f"{v.rows - v.passed} of {v.rows} fail" for v in judged}
        )
    return _different("limits", *verdicts) + _different("limits", *bounds)


def _other(pairing: Pairing, a: Study, column: str, before: pd.Series, after: pd.Series) -> Change | None:
    """The first row whose text or truth value differs, and how many do."""
    one, two = (
        side.astype(object).where(side.notna(), None).to_numpy()[rows]
        for side, rows in ((before, pairing.rows_a), (after, pairing.rows_b))
    )
    differ = np.flatnonzero(one != two)
    if not len(differ):
        return None
    first = differ[0]
    where = f"{len(differ)} of {len(one)} rows"
    place = pairing.place(a, int(pairing.keys_a[pairing.rows_a[first]]))[1]
    where += f", the first at {place}" if place else ""
    return Change("values", column, one[first], two[first], where=where)


def _moments(values: np.ndarray, keys: np.ndarray) -> pd.DataFrame:
    """Mean, deviation and count of the finite values by conditions."""
    known = np.isfinite(values)
    return pd.Series(values[known]).groupby(keys[known]).agg(["mean", "std", "count"])


def _effect(pairing: Pairing, a: Study, column: str, before: np.ndarray, after: np.ndarray) -> Effect | None:
    """How one quantity changed, None if it did not."""
    x, y = before[pairing.rows_a], after[pairing.rows_b]
    with np.errstate(invalid="ignore", over="ignore"):
        close = np.abs(x - y) <= _ROUND_OFF * np.maximum(np.abs(x), np.abs(y))
    finite = np.isfinite(x) & np.isfinite(y)
    differs = ~((close & finite) | (x == y) | (np.isnan(x) & np.isnan(y)))
    if not differs.any():
        return None
    moments = _moments(before, pairing.keys_a)
    paired = moments.join(_moments(after, pairing.keys_b).add_suffix("_after"), how="inner")
    change = paired["mean_after"] - paired["mean"]
    with np.errstate(over="ignore"):
        rms = float(np.sqrt(np.mean(change**2))) if len(change) else np.nan
        spread, over = _spread(a, pairing, moments)
    known = paired["mean"] != 0
    percent = float((100 * change[known] / paired["mean"][known].abs()).median()) if known.any() else None
    keys = pairing.keys_a[pairing.rows_a[differs]]
    sizes = change.abs().reindex(pd.unique(keys)).dropna()
    key = int(sizes.index.to_numpy()[sizes.to_numpy().argmax()] if len(sizes) else keys[0])
    where, place = pairing.place(a, key)
    return Effect(
        column=column,
        unit=a.unit(column),
        rows=len(x),
        changed=int(differs.sum()),
        not_finite=(int((~np.isfinite(x)).sum()), int((~np.isfinite(y)).sum())),
        pairs=len(paired),
        change=float(change.mean()),
        percent=percent,
        largest=float(change.get(key, np.nan)),
        where=where,
        place=place,
        spread=spread,
        spread_over=over,
        effect=rms / spread if spread > 0 and np.isfinite(rms) else None,
        deviation_ratio=_ratio(paired),
    )


def _ratio(paired: pd.DataFrame) -> float | None:
    """Deviation over samples, after by before; None where one has none."""
    sampled = paired[(paired["count"] > 1) & (paired["count_after"] > 1) & (paired["std"] > 0)]
    if sampled.empty:
        return None
    return float(np.sqrt(np.mean(sampled["std_after"] ** 2) / np.mean(sampled["std"] ** 2)))


def _spread(a: Study, pairing: Pairing, moments: pd.DataFrame) -> tuple[float, str]:
    """Standard deviation of run A over samples, else over corners and temperatures, else over all rows."""
    sampled = moments[moments["count"] > 1]
    if len(sampled) and SAMPLE in a.varied:
        return float(np.sqrt(np.mean(sampled["std"] ** 2))), "samples"
    over = [name for name in ("corner", "temperature") if name in a.varied]
    rest = [name for name in pairing.names if name not in over]
    if over:
        known = pairing.conditions.iloc[moments.index][rest].assign(_mean=moments["mean"].to_numpy())
        parts = known.groupby(rest, sort=False, dropna=False)["_mean"] if rest else None
        deviations = pd.Series([moments["mean"].std(ddof=0)]) if parts is None else parts.std(ddof=0)
        return float(np.sqrt(np.mean(deviations**2))), " and ".join(f"{name}s" for name in over)
    return float(moments["mean"].std(ddof=0)), "all rows"
