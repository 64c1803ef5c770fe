"""Limits of a run: each with what was measured, the worst point, and whether it holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from pydantic import ValidationError

from cimspice.campaign.limits import Limit
from cimspice.report.page_document import Html, pill, rows, text
from cimspice.report.page_study import Study
from cimspice.report.quantity import quantity, words


@dataclass(frozen=True)
class Verdict:
    """A limit against a run: ``passed`` of ``rows`` hold; ``worst`` is the index label of the worst row."""

    limit: Limit
    rows: int
    passed: int
    worst: Any

    @property
    def holds(self) -> bool:
        return self.rows > 0 and self.passed == self.rows


def read_limits(raw: Any) -> tuple[list[Limit], list[str]]:
    """Limits of ``run.json``, and a sentence for each entry that cannot be understood."""
    limits, problems = [], []
    for entry in raw if isinstance(raw, list) else []:
        given = (
            {name: entry[name] for name in Limit.model_fields if name in entry}
            if isinstance(entry, dict)
            else entry
        )
        try:
            limits.append(Limit.model_validate(given))
        except ValidationError as error:
            first = error.errors()[0]
            problems.append(f"limit {str(given)[:80]}: {'.'.join(map(str, first['loc']))}: {first['msg']}")
    return limits, problems


def _excess(limit: Limit, values: pd.Series) -> np.ndarray:
    """How far each value is outside, negative inside: what the worst row is chosen by."""
    array = values.to_numpy(float)
    below = -np.inf if limit.minimum is None else limit.minimum - array
    above = -np.inf if limit.maximum is None else array - limit.maximum
    return np.where(np.isnan(array), np.inf, np.maximum(below, above))


def judge(study: Study, limits: Sequence[Limit]) -> tuple[list[Verdict], list[str]]:
    """The verdict on each limit, and a sentence for each on something that was not measured."""
    verdicts, problems = [], []
    for limit in limits:
        if limit.column not in study.table or not pd.api.types.is_numeric_dtype(study.table[limit.column]):
            problems.append(f"limit on {limit.column!r}: the table has no such quantity")
            continue
        values = study.table[limit.column]
        excess = _excess(limit, values)
        verdicts.append(
            Verdict(
                limit,
                rows=len(values),
                passed=int(limit.kept(values).sum()),
                worst=values.index[int(np.argmax(excess))] if len(values) else None,
            )
        )
    return verdicts, problems


def limit_table(study: Study, verdicts: Sequence[Verdict]) -> str:
    """The limits as an HTML table."""
    heads = (
        "quantity",
        "",
        "min",
        "typ",
        "max",
        "measured min",
        "median",
        "measured max",
        "hold",
        "worst at",
    )
    return rows(heads, [_row(study, verdict) for verdict in verdicts], numeric=range(2, 9))


def _row(study: Study, verdict: Verdict) -> list[object]:
    limit = verdict.limit
    unit = study.unit(limit.column) or limit.unit or ""
    values = study.table[limit.column].to_numpy(float)
    values = values[np.isfinite(values)]

    def shown(value: float | None) -> str:
        return "" if value is None else quantity(float(value), unit)

    seen = [values.min(), np.median(values), values.max()] if len(values) else [None] * 3
    columns = [*study.varied, *study.coordinates]
    where = (
        ""
        if verdict.worst is None
        else study.named(columns, study.table[columns].loc[[verdict.worst]].to_numpy(object)[0].tolist())
    )
    return [
        words(limit.column),
        Html(pill("pass", "good") if verdict.holds else pill("fail", "bad")),
        *(shown(value) for value in (limit.minimum, limit.typical, limit.maximum)),
        *(shown(value) for value in seen),
        f"{verdict.passed} of {verdict.rows}",
        Html(f'<div class="wide">{text(where)}</div>'),
    ]
