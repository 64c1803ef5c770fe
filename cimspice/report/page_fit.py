"""Model cards of a run folder, laid over the rows they describe: prediction, its 95 % band, residuals."""

import os
import re
import stat
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cimspice.fit.card import ModelCard
from cimspice.fit.curves import RESET_VOLTAGE
from cimspice.fit.model import Model
from cimspice.fit.ranges import ModelRangeWarning
from cimspice.fit.table import CAPACITANCE, COMPARATOR, GATE_LAW, INJECTION, SYNAPSE, TableSchema

LARGEST_CARD = 16 << 20  # bytes
_MODEL_CARD = re.compile(rb'"schema"\s*:\s*"cimspice\.card/[^"]*"\s*,\s*"family"\s*:\s*"model"')
_MOST_CARDS = 40
_QUANTILE = 1.959963984540054  # of the normal distribution, for 95 %
_COLUMNS = "columns of the model"  # in attrs: the model's column -> the table's, as its fit names them
# table, column that a model of it predicts by a function of that name, and from which columns
_PREDICTED: tuple[tuple[TableSchema, str, tuple[str, ...]], ...] = (
    (GATE_LAW, "current", ("gate_bias",)),
    (CAPACITANCE, "capacitance", ("membrane_voltage",)),
    (INJECTION, "charge", ("membrane_voltage", "gate_bias")),
    (COMPARATOR, "delay", ("slope",)),
)
_SYNONYMS = {"gate_bias": "gate_voltage", "membrane_voltage": "drain_voltage", "current": "drain_current"}


class NoRows(Exception):
    """Why a card describes no row of the table."""


@dataclass(frozen=True)
class Overlay:
    """A model over the rows of a table that it describes."""

    rows: pd.DataFrame
    """The rows (m), by their column names in the table."""
    x: str
    y: str
    """``x``, ``y``: columns of abscissa and of what is predicted."""
    by: str
    """Column that distinguishes curves, or ""."""
    fitted: np.ndarray
    """Prediction (m,), in the unit of ``y``."""
    band: np.ndarray | None
    """Half width (m,) of its 95 % confidence band from the card's covariance; None without one."""
    scale: np.ndarray
    """Full scale (m,) of residuals in percent, in the unit of ``y``."""
    scale_name: str
    """What that is."""


def cards(folder: Path) -> Iterator[tuple[str, ModelCard | str]]:
    """Names of the model cards that lie in a run folder, each with its card or with why it cannot be used.

    They lie in the folder itself or in its folder ``cards``. Links, pipes and files larger than a card can be
    are not opened; JSON that is no card is passed over.
    """
    found = 0
    inside = folder / "cards"
    below = [] if inside.is_symlink() else sorted(inside.glob("*.json"))
    for path in [*sorted(folder.glob("*.json")), *below]:
        status = os.lstat(path)
        if path.name == "run.json" or not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST_CARD:
            continue
        with path.open("rb") as file:
            if not _MODEL_CARD.search(file.read(LARGEST_CARD)):
                continue
        if found == _MOST_CARDS:
            return
        found += 1
        try:
            yield path.stem, ModelCard.load(path)
        except Exception as error:  # a stranger's card may be wrong in any way; the other parts still stand
            yield path.stem, (str(error) or type(error).__name__).splitlines()[0][:300]


def overlay(card: ModelCard, table: pd.DataFrame) -> Overlay:
    """The card's model over the rows of its conditions and ranges.

    NoRows with the reason: a kind of model that no column shows, or no row in its range.
    """
    model = card.model()
    columns = card.provenance.get("columns")
    table = table.copy(deep=False)
    table.attrs = {**table.attrs, _COLUMNS: columns if isinstance(columns, dict) else {}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ModelRangeWarning)  # only rows inside are asked for; ends may round
        if getattr(model, "schema", None) is SYNAPSE and hasattr(model, "shape"):
            return _synapse(model, card, table)
        return _direct(model, card, table)


def _direct(model: Any, card: ModelCard, table: pd.DataFrame) -> Overlay:
    schema = getattr(model, "schema", None)
    found = next((each[1:] for each in _PREDICTED if each[0] is schema), None)
    if found is None or not hasattr(model, found[0]):
        raise NoRows(f"a {model.kind} predicts no column of a run")
    y, inputs = found
    relative = schema is GATE_LAW
    if relative:
        table = _at_reset(table, float(card.provenance.get("reset_voltage", RESET_VOLTAGE)))
    columns = {name: _column(table, name) for name in inputs}
    rows = _matching(model, card, table, columns)
    given = {name: rows[column].to_numpy(float) for name, column in columns.items()}
    fitted = np.asarray(getattr(model, y)(**given), dtype=float)
    gradient = np.asarray(model.gradient(**given), dtype=float)
    if relative:
        gradient = gradient * fitted  # that of the current, not of its logarithm
    measured = rows[_column(table, y)].to_numpy(float)
    scale = np.abs(measured) if relative else np.full(len(rows), float(np.mean(np.abs(measured))))
    name = "current" if relative else f"mean {y}"
    x, *others = inputs
    by = columns[others[0]] if others else ""
    return Overlay(rows, columns[x], _column(table, y), by, fitted, _band(card, gradient), scale, name)


def _synapse(model: Any, card: ModelCard, table: pd.DataFrame) -> Overlay:
    """Each curve with the current at reset that suits it best, as the fit itself did."""
    bias, voltage, current = (_column(table, name) for name in ("gate_bias", "membrane_voltage", "current"))
    rows = _matching(model, card, table, {"membrane_voltage": voltage})
    fitted, gradients, scale, kept = [], [], [], []
    of_mean = "samples" in card.provenance  # its range is that of the mean: the samples lie around it
    extra = [name for name in ("corner", "temperature", "order", "sample") if name in rows]
    for _, curve in rows.sort_values([bias, voltage]).groupby([bias, *extra], sort=False):
        at, measured = curve[voltage].to_numpy(float), curve[current].to_numpy(float)
        reset = _current_at_reset(model, at, measured)
        seen = of_mean or _in_range(model, "current_at_reset", np.array([reset]), 0.01 * reset)[0]
        if not (reset > 0 and seen):
            continue
        shape = model.shape(reset, at)
        size = float(shape @ measured / (shape @ shape))
        fitted.append(size * shape)
        gradients.append(size * model.shape_gradient(size, at))
        scale.append(np.full(len(at), size))
        kept.append(curve)
    if not kept:
        raise NoRows("no curve of the table has a current at reset in the card's range")
    band = _band(card, np.concatenate(gradients, axis=1))
    parts = (np.concatenate(fitted), band, np.concatenate(scale))
    return Overlay(pd.concat(kept), voltage, current, bias, *parts, "current at reset")


def _current_at_reset(model: Any, voltage: np.ndarray, current: np.ndarray) -> float:
    """Of the straight line through a curve; NaN of a curve too short for one."""
    if len(voltage) < 3:
        return float("nan")
    return float(np.polyval(np.polyfit(voltage - model.reset_voltage, current, 1), 0.0))


def _at_reset(table: pd.DataFrame, reset_voltage: float) -> pd.DataFrame:
    """One row per curve that reaches the reset voltage, its current interpolated there."""
    if not any(name in table for name in ("membrane_voltage", "drain_voltage")):
        return table
    voltage, current = _column(table, "membrane_voltage"), _column(table, "current")
    others = [name for name in table.columns if name not in (voltage, current)]
    if table[voltage].nunique() == 1:  # a transfer curve is fitted where it was measured
        return table
    kept = []
    for _, curve in table.sort_values(voltage).groupby(others, sort=False, dropna=False):
        at = curve[voltage].to_numpy(float)
        if at[0] <= reset_voltage <= at[-1]:
            value = np.interp(reset_voltage, at, curve[current].to_numpy(float))
            kept.append(curve.iloc[:1].assign(**{voltage: reset_voltage, current: value}))
    if not kept:
        raise NoRows(f"no curve of the table reaches the reset voltage, {reset_voltage:g} V")
    return pd.concat(kept)


def _column(table: pd.DataFrame, name: str) -> str:
    for known in (table.attrs.get(_COLUMNS, {}).get(name), name, _SYNONYMS.get(name)):
        if isinstance(known, str) and known in table.columns:
            return known
    raise NoRows(f"the table has no column {name!r}")


def _matching(model: Model, card: ModelCard, table: pd.DataFrame, columns: dict[str, str]) -> pd.DataFrame:
    """Rows of the card's own conditions, inside the ranges it was fitted on."""
    wanted = {name: getattr(model, name) for name in ("polarity", "edge") if hasattr(model, name)}
    wanted |= {name: card.provenance.get(name) for name in ("corner", "temperature", "order")}
    chosen = np.ones(len(table), dtype=bool)
    for name, value in wanted.items():
        if name in table.columns and isinstance(value, str | int | float):
            chosen &= (table[name] == value).to_numpy()
    for name, column in columns.items():
        chosen &= _in_range(model, name, table[column].to_numpy(float))
    rows = table[chosen]
    if rows.empty:
        raise NoRows("no row of the table is at the card's conditions and in its ranges")
    return rows


def _in_range(model: Model, name: str, values: np.ndarray, slack: float = 0.0) -> np.ndarray:
    if name not in model.ranges:
        return np.isfinite(values)
    seen = model.ranges[name]
    slack += 1e-6 * max(seen.high - seen.low, abs(seen.low), abs(seen.high))
    return (values >= seen.low - slack) & (values <= seen.high + slack)


def _band(card: ModelCard, gradient: np.ndarray) -> np.ndarray | None:
    """1.96 √(gᵀ C g), gradient (n, m); None where the data left a parameter undetermined."""
    if card.covariance is None or any(entry is None for row in card.covariance for entry in row):
        return None
    covariance = np.array(card.covariance, dtype=float)
    if covariance.shape != (len(gradient), len(gradient)):
        return None
    variance = np.einsum("im,ij,jm->m", gradient, covariance, gradient)
    return _QUANTILE * np.sqrt(np.maximum(variance, 0.0))
