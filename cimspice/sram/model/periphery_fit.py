"""Fits of the array's peripheral circuits to the tables of their benches."""

from dataclasses import replace

import numpy as np
import pandas as pd

from cimspice.converter.model.converter import SignedConverter
from cimspice.errors import FitError
from cimspice.fit.fit import Fit
from cimspice.fit.least_squares import solve_linear
from cimspice.fit.ranges import Ranges
from cimspice.sram.model.charge_sharing import ChargeSharing
from cimspice.sram.model.multiplier import ChargeMultiplier
from cimspice.sram.model.write_back import WriteBack


def fit_multiplier(table: pd.DataFrame, mismatch: pd.DataFrame | None = None) -> Fit[ChargeMultiplier]:
    """The multiplier of a table of ``sram_multiplier``: each code's polynomial by linear least squares.

    FitError if codes are missing, or a code has too few points.

    Parameters
    ----------
    table
        Columns code, discharge, discharge_bar, output, output_bar (V), multiplier_energy, control_energy (J),
        duration (s); all codes from 0 on.
    mismatch
        The same for samples at one code with two pairs of equal discharges, and ``sample``.
    """
    codes = np.sort(table["code"].unique()).astype(int)
    count = len(codes)
    if count < 2 or count & (count - 1) or (codes != np.arange(count)).any():
        raise FitError(f"input codes {codes}", remedy="characterise all codes from 0 to 2**bits - 1")
    code = np.concatenate([table["code"].to_numpy(dtype=int)] * 2)
    own, other = (np.concatenate([table[a], table[b]]) for a, b in (_PAIR, _PAIR[::-1]))
    observed = np.concatenate([table["output"], table["output_bar"]])
    basis = np.stack([np.ones_like(own), own, other, own**2], axis=1)  # (m, 4)
    design = np.zeros((len(own), 4, count))
    design[np.arange(len(own)), :, code] = basis
    names = [f"{name}[{k}]" for name in ChargeMultiplier.parameter_units for k in range(count)]
    solution = solve_linear(design.reshape(len(own), -1), observed, names=names)
    fields = dict(zip(ChargeMultiplier.parameter_units, solution.values.reshape(4, count), strict=True))
    gain_sigma, offset_sigma = (0.0, 0.0) if mismatch is None else _multiplier_spread(mismatch)
    model = ChargeMultiplier(
        **fields,
        gain_sigma=gain_sigma,
        offset_sigma=offset_sigma,
        energy_joule=float((table["multiplier_energy"] + table["control_energy"]).mean()),
        duration=float(table["duration"].mean()),
        ranges=Ranges.seen({"discharge": "V"}, discharge=own),
    )
    return Fit.assemble(
        model,
        solution,
        full_scale=float(np.abs(observed).max()),
        full_scale_name="largest output",
        unit="V",
        table=table,
    )


_PAIR = ("discharge", "discharge_bar")


def _multiplier_spread(table: pd.DataFrame) -> tuple[float, float]:
    """Standard deviations of relative gain and offset (V) over samples and lines."""
    levels = np.sort(table["discharge"].unique())
    low, high = (
        table[table["discharge"] == level].sort_values("sample")[["output", "output_bar"]].to_numpy()
        for level in levels[[0, -1]]
    )
    slope = (high - low) / (levels[-1] - levels[0])
    offset = low - slope * levels[0]
    return float((slope / slope.mean()).std(ddof=1)), float(offset.std(ddof=1))


def fit_charge_sharing(table: pd.DataFrame) -> Fit[ChargeSharing]:
    """The sharing of a table of ``sram_charge_sharing``, which is linear in its parameters:
    n (mean − V) = load V + wire n V − n column_offset − rail_offset.

    Parameters
    ----------
    table
        Columns columns, column_discharge, rail_discharge, rail_discharge_bar (V), energy_per_column (J),
        duration (s); the complement's columns have discharge 0.
    """
    n = np.tile(table["columns"].to_numpy(dtype=float), 2)
    mean = np.concatenate([table["column_discharge"], np.zeros(len(table))])
    rail = np.concatenate([table["rail_discharge"], table["rail_discharge_bar"]])
    design = np.stack([rail, n * rail, -n, -np.ones_like(n)], axis=1)
    names = list(ChargeSharing.parameter_units)
    solution = solve_linear(design, n * (mean - rail), names=names)
    seen = int(n.min()), int(n.max())
    model = ChargeSharing(
        **dict(zip(names, map(float, solution.values), strict=True)),
        smallest_columns=seen[0],
        largest_columns=seen[1],
        energy_joule=float(table["energy_per_column"].mean()),
        duration=float(table["duration"].mean()),
        ranges=Ranges.seen({"discharge": "V"}, discharge=[min(mean.min(), rail.min()), 2 * mean.max()]),
    )
    charge = n * mean + n * model.column_offset + model.rail_offset
    residuals = charge / (n * (1 + model.wire_ratio) + model.load_ratio) - rail
    return Fit.assemble(
        model,
        solution,
        residuals=residuals,
        full_scale=float(np.abs(rail).max()),
        full_scale_name="largest discharge of a rail",
        unit="V",
        table=table,
    )


def fit_converter(
    conversions: pd.DataFrame,
    edges: pd.DataFrame | None = None,
    targets: pd.DataFrame | None = None,
    *,
    offset_sigma: float = 0.0,
    noise_sigma: float = 0.0,
) -> SignedConverter:
    """The converter of tables of ``sram_converter``, from the residues before its decisions.

    A decision turns where its residue is 0, and a residue follows the input with a slope that is nearly 1
    and is measured. So one conversion gives one threshold per decision on its path; of a threshold that
    several conversions saw, the one with the smallest residue counts. But the strobe itself moves the plates
    (the comparator's kick), and a little more where more of them have been switched. So the code is also
    watched directly over fine steps about a few thresholds: where it turns, less the threshold from the
    residues, is a straight line over the threshold, by which all are corrected.

    FitError if a threshold was not seen.

    Parameters
    ----------
    conversions
        Columns difference, residue (V), decision, decided, code, converter_energy, control_energy (J),
        duration (s), rows of a conversion in order; all last decisions must be among them.
    edges
        The same, in fine steps of the input about some thresholds.
    targets
        The same with ``target``, not 0.
    offset_sigma, noise_sigma
        Of the comparator, from elsewhere (V).
    """
    residue, decided, volts = _paths(conversions)
    bits = residue.shape[1]
    weights = 2 ** np.arange(bits)[::-1]
    before = np.cumsum(decided * weights, axis=1) - decided * weights
    code = before + weights - 2 ** (bits - 1)  # the threshold's upper code, (conversions, bits)
    slope = _slopes(residue, volts, before)
    found = volts[:, None] - residue / slope
    best: dict[int, tuple[float, float]] = {}
    for key, threshold, left in zip(code.ravel(), found.ravel(), np.abs(residue).ravel(), strict=True):
        best[int(key)] = min(best.get(int(key), (np.inf, 0.0)), (float(left), float(threshold)))
    missing = sorted(set(range(1 - 2 ** (bits - 1), 2 ** (bits - 1))) - set(best))
    if missing:
        raise FitError(
            f"no conversion decided between code {missing[0] - 1} and {missing[0]}"
            f" ({len(missing)} thresholds are missing)",
            remedy="convert inputs two codes apart over the whole range",
        )
    thresholds = np.array([best[key][1] for key in sorted(best)])
    if edges is not None:
        thresholds = thresholds + _kick(edges, thresholds)
    step = float((thresholds[-1] - thresholds[0]) / (len(thresholds) - 1))
    energy = conversions["converter_energy"] + conversions["control_energy"]
    model = SignedConverter(
        thresholds=thresholds,
        step=step,
        target_step=step,
        offset_sigma=offset_sigma,
        noise_sigma=noise_sigma,
        energy_joule=float(energy.mean()),
        duration=float(conversions["duration"].mean()),
    )
    if targets is None:
        return model
    first = _paths(targets)[0][:, 0]
    rows = targets[targets["decision"] == 0]
    origin = residue[:, 0].mean() - slope[0] * volts.mean()
    added = (first - origin) / slope[0] - rows["difference"].to_numpy()
    target_step, target_offset = np.polyfit(rows["target"].to_numpy(dtype=float), added, 1)
    return replace(model, target_step=float(target_step), target_offset=float(target_offset))


def _paths(table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Residue and decision of each conversion, shape (conversions, bits), and its input, (conversions,)."""
    bits = int(table["decision"].max()) + 1
    shape = (-1, bits)
    if len(table) % bits or (table["decision"].to_numpy().reshape(shape) != np.arange(bits)).any():
        raise FitError(
            "rows are not conversions of equal length in order", remedy="give the bench's own rows"
        )
    residue, decided, volts = (
        table[name].to_numpy(dtype=float).reshape(shape) for name in ("residue", "decided", "difference")
    )
    return residue, decided.astype(int), volts[:, 0]


def _kick(edges: pd.DataFrame, thresholds: np.ndarray) -> np.ndarray:
    """Correction (V) of all thresholds from inputs about some of them between which the code turns by one."""
    index, seen, _ = turns(edges)
    return np.polyval(np.polyfit(thresholds[index], seen - thresholds[index], 1), thresholds)


def turns(edges: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, float]:
    """Thresholds by their number between which inputs in fine steps the code turned by one, the middle of
    these (V), and the largest of the steps (V).

    FitError if it turned at fewer than two.
    """
    rows = edges[edges["decision"] == 0].sort_values("difference")
    volts, code = rows["difference"].to_numpy(), rows["code"].to_numpy()
    places = np.flatnonzero((np.diff(code) == 1) & (np.diff(volts) < FINE))
    if len(places) < 2:
        raise FitError(
            f"the code turns within a step of {FINE:g} V at {len(places)} places",
            remedy="give inputs in finer steps about at least two thresholds",
        )
    index = code[places + 1].astype(int) + 2 ** int(edges["decision"].max()) - 1
    middle = (volts[places] + volts[places + 1]) / 2
    return index, middle, float((volts[places + 1] - volts[places]).max())


FINE = 0.5e-3
"""Inputs this near to each other (V) locate a threshold."""


def _slopes(residue: np.ndarray, volts: np.ndarray, before: np.ndarray) -> np.ndarray:
    """d residue / d input of the first decision and of the later ones (in which the comparator has once
    moved), shape (bits,): over conversions that have decided alike so far."""
    slopes = np.full(residue.shape[1], np.nan)
    for level in range(residue.shape[1]):
        groups = pd.DataFrame({"x": volts, "y": residue[:, level]}).groupby(before[:, level])
        apart = groups.transform(lambda values: values - values.mean())
        spread = float((apart["x"] ** 2).sum())
        if spread > 0:
            slopes[level] = float((apart["x"] * apart["y"]).sum()) / spread
    known = slopes[np.isfinite(slopes)]
    if not len(known):
        raise FitError("one conversion has no slope", remedy="give conversions of several inputs")
    return np.where(np.isfinite(slopes), slopes, known[-1])


def fit_write_back(margins: pd.DataFrame, write: pd.Series, half_selected: pd.Series) -> WriteBack:
    """The write-back of a population's write margins and of one write and one half-selected column.

    Parameters
    ----------
    margins
        Column write_margin (V), one row per cell.
    write, half_selected
        Rows of ``sram_write_access`` and ``sram_half_selected``: column_energy, word_line_energy (J),
        duration (s).
    """
    margin = margins["write_margin"]
    return WriteBack(
        margin=float(margin.mean()),
        margin_sigma=float(margin.std(ddof=1)) if len(margin) > 1 else 0.0,
        energy_joule=float(write["column_energy"]),
        half_selected_energy=float(half_selected["column_energy"]),
        row_energy=float(write["access_energy"] - write["columns"] * write["column_energy"]),
        duration=float(write["duration"]),
    )
