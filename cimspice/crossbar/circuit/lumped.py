"""Reduced model of a large array's read: fewer cells, each of which stands for a block of them."""

from __future__ import annotations

from typing import TypeVar

import numpy as np

from cimspice.crossbar.circuit.settling import SettlingParameters
from cimspice.errors import ParameterError

Read = TypeVar("Read", bound=SettlingParameters)


def lumped(given: Read, rows: int, columns: int) -> Read:
    """The same read on an array of fewer places.

    Rows with nearly the same input become one place: so many cells in parallel, their conductance that of
    the block. Of the columns, sorted by their current, evenly spaced ones stay, from the smallest to the
    largest, each with an amplifier of its own; the others draw from the rows what those draw. Segments of
    lines are those of the block.

    Parameters
    ----------
    given
        The whole array.
    rows, columns
        Places that are left; they divide those of the whole.

    Raises
    ------
    ParameterError
        If they do not, for a memory other than SkyWater's, and for lines coupled to lines.
    """
    together, stands_for = given.rows // max(rows, 1), given.columns // max(columns, 1)
    if rows * together != given.rows or columns * stands_for != given.columns or rows < 1 or columns < 1:
        raise ParameterError(
            f"{rows} x {columns} places of {given.rows} x {given.columns} cells",
            place="rows, columns",
            remedy="give divisors of the array's",
        )
    if given.model != "skywater":
        raise ParameterError(
            f"memories of {given.model} in parallel", place="model", remedy="use skywater, or the whole array"
        )
    if given.array.coupling != "ground":
        raise ParameterError(
            "capacitance between lines", place="array.coupling", remedy="use ground, or the whole array"
        )
    values, states, voltages = given.device["values"], np.asarray(given.states), np.asarray(given.voltages)
    span = values["filament_max"] - values["filament_min"]
    slope = span / (values["oxide_thickness"] - values["filament_reference"])
    conductance = np.exp(slope * states)  # in units of that at state 0
    order = np.argsort(voltages, kind="stable")
    chosen = np.argsort(voltages @ conductance, kind="stable")[
        np.linspace(0, given.columns - 1, columns).round().astype(int)
    ]
    blocks = conductance[np.ix_(order, np.sort(chosen))].reshape(rows, together, columns)
    inputs = voltages[order].reshape(rows, together)
    driven = inputs.any(axis=1, keepdims=True)
    weights = np.where(driven, np.abs(inputs), 1.0)  # so that the current of a block stays
    means = np.einsum("rt,rtc->rc", weights, blocks) / weights.sum(axis=1)[:, None]
    array = given.array
    wires = {
        "bit_line_resistance": array.bit_line_resistance * stands_for**2 / together,
        "bit_line_capacitance": array.bit_line_capacitance * together,
        "source_line_resistance": array.source_line_resistance * together,
        "source_line_capacitance": array.source_line_capacitance * together,
        "source_resistance": array.source_resistance * stands_for / together,
        "parallel": together,
    }
    return type(given)(
        **{
            **given.model_dump(round_trip=True),
            "states": (np.log(means) / slope).tolist(),
            "voltages": inputs.mean(axis=1).tolist(),
            "changes": {**given.changes, "current_scale": values["current_scale"] * together},
            "array": {**array.model_dump(round_trip=True), **wires},
            "stands_for": given.stands_for * stands_for,
        }
    )
