"""Tables of a 1T1R cell's access transistor from ngspice: currents at rest, and the charge of its drain."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cimspice.bench import bench
from cimspice.rram.model.access_tabulated import TabulatedAccess
from cimspice.spice import Session, SolverOptions

GATE_VOLTAGES = tuple(float(v) for v in np.round(np.arange(0.6, 3.601, 0.05), 3))
_STEP = 0.05
_LOW_STEP = 0.1
_AT_REST = SolverOptions(reltol=1e-8, abstol=1e-15, vntol=1e-12, gmin=1e-15)
"""Currents to a femtoampere: tighter, the first point of a sweep at a low gate voltage is not found."""


def access_currents(
    highest: float, *, corner: str = "tt", temperature: float = 27.0, **transistor: Any
) -> pd.DataFrame:
    """Columns gate_voltage, low, across (0 to ``highest`` V) and current (A).

    ``transistor`` gives the parameters ``transistor``, ``width`` and ``length`` of the bench.
    """
    given = bench("rram_access_grid").Parameters(
        lowest=0.0, highest=highest, across=highest, step=_STEP, low_step=_LOW_STEP, **transistor
    )
    return _over_gates("rram_access_grid", given, _AT_REST, corner, temperature)


def access_charges(
    highest: float, *, corner: str = "tt", temperature: float = 27.0, **transistor: Any
) -> pd.DataFrame:
    """Columns gate_voltage, drain_voltage (0 to ``highest`` V) and capacitance (F)."""
    made = bench("rram_access_charge")
    given = made.Parameters(stop=highest, **transistor)
    return _over_gates(made.name, given, made.options(given), corner, temperature)


def simulated_access(
    highest: float, *, corner: str = "tt", temperature: float = 27.0, **transistor: Any
) -> TabulatedAccess:
    """The access transistor as ngspice has it, for channel ends between 0 and ``highest`` V."""
    conditions: dict[str, Any] = {"corner": corner, "temperature": temperature, **transistor}
    currents, charges = access_currents(highest, **conditions), access_charges(highest, **conditions)
    return TabulatedAccess.from_tables(currents, charges, temperature=temperature)


def _over_gates(name: str, given: Any, options: SolverOptions, corner: str, celsius: float) -> pd.DataFrame:
    made, parts = bench(name), []
    with Session() as session:
        for gate in GATE_VOLTAGES:
            session.configure(
                made.netlist(given),
                corner=corner,
                temperature=celsius,
                options=options,
                flat=made.flat,
                alterations={"vgate": gate},
            )
            part = made.measure(given, session.run(made.analysis(given)))
            parts.append(part.assign(gate_voltage=gate))
    return pd.concat(parts, ignore_index=True)
