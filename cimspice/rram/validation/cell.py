"""A 1T1R cell written in ngspice, and its numpy model made from ngspice's own curves."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import optimize

from cimspice.bench import bench
from cimspice.campaign.bench_run import run_bench
from cimspice.errors import ParameterError
from cimspice.pdk import Conditions
from cimspice.rram.circuit.cell_write import CellWriteParameters
from cimspice.rram.model.access_tabulated import TabulatedAccess
from cimspice.rram.model.cell import RramCell, WritePulse, WriteResult
from cimspice.rram.model.device import RramDevice
from cimspice.rram.model.programming import WriteScheme
from cimspice.rram.model.write_cost import WriteCost
from cimspice.spice import InProcess, Session, SolverOptions

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


CALIBRATION_LEVELS = (1.2, 1.3, 1.4, 1.5, 1.6)
"""Word lines (V) of the SETs whose final states fix the share of the transistor's charge that flows."""
_SHARES = (0.7, 1.2)


@dataclass
class CircuitCell:
    """One 1T1R cell in ngspice, written and read pulse by pulse; each state is a cell of its own.

    ``parameters`` give device and transistor; levels, width and edge come with each pulse. The state is all
    that a cell remembers between pulses: its temperature is ambient again within nanoseconds.
    """

    parameters: CellWriteParameters = CellWriteParameters()  # noqa: RUF009 - it is frozen
    corner: str = "tt"
    temperature: float = 27.0
    engine: InProcess = field(default_factory=InProcess)
    _reads: dict[float, float] = field(default_factory=dict, repr=False)

    def write(self, state: ArrayLike, pulse: WritePulse, ambient: ArrayLike | None = None) -> WriteResult:
        """States and energies after a pulse, one transient for each cell; its lines are ideal.

        Raises
        ------
        ParameterError
            For a source line with resistance.
        """
        if np.any(np.asarray(pulse.source_resistance) > 0):
            raise ParameterError(
                "a single cell in ngspice has ideal lines",
                place="CircuitCell",
                remedy="simulate an array: cimspice.crossbar.validation.array_programming.CircuitArray",
            )
        arrays = np.broadcast_arrays(
            np.asarray(state, dtype=float),
            *(np.asarray(v, dtype=float) for v in (
                pulse.word_line, pulse.bit_line, pulse.source_line, pulse.width, pulse.edge,
                self.temperature if ambient is None else ambient,
            )),
        )  # fmt: skip
        shape = arrays[0].shape
        rows = [self._run(*values) for values in zip(*(a.ravel().tolist() for a in arrays), strict=True)]
        reached = np.array([row["state_after"] for row in rows])
        # round-off of an integration may leave a formed cell below 0, where it would count as pristine
        reached = np.clip(reached, np.minimum(arrays[0].ravel(), 0.0), 1.0)
        for value, row in zip(reached.tolist(), rows, strict=True):
            self._reads[value] = float(row["conductance_after"])
        return WriteResult(reached.reshape(shape), np.array([row["energy"] for row in rows]).reshape(shape))

    def conductance(self, state: ArrayLike) -> np.ndarray:
        """Conductance in S of the whole cell as the bench reads it."""
        states = np.asarray(state, dtype=float)
        return np.array([self._read(value) for value in states.ravel().tolist()]).reshape(states.shape)

    def _read(self, state: float) -> float:
        if state not in self._reads:
            row = self._run(state, 0.0, 0.0, 0.0, 1e-9, self.parameters.edge, self.temperature)
            self._reads[state] = float(row["conductance_after"])
        return self._reads[state]

    def _run(self, state, word, bit, source, width, edge, celsius) -> pd.Series:
        given = self.parameters.model_copy(
            update={
                "initial_state": state,
                "word_line_voltage": word,
                "bit_line_voltage": bit,
                "source_line_voltage": source,
                "pulse_width": width,
                "edge": edge,
            }
        )
        fields = set(CellWriteParameters.model_fields)
        given = CellWriteParameters.model_validate(given.model_dump(include=fields))
        conditions = Conditions(self.corner, celsius)
        return run_bench("rram_cell_write", given, conditions, engine=self.engine).iloc[0]


@dataclass(frozen=True)
class CellFit:
    """A cell's model with what it was made from.

    ``abrupt_share`` is the part of the transistor's charge that an abrupt SET takes; ``calibration``
    compares the states after the SETs that fixed it: word line (V), state in ngspice, state of the model.
    """

    cell: RramCell
    abrupt_share: float
    calibration: pd.DataFrame


def fit_cell(device: RramDevice, circuit: CircuitCell, scheme: WriteScheme | None = None) -> CellFit:
    """The model of a cell from ngspice: its access transistor's currents and charge, and five SETs.

    The SETs fix one number, the share of the charge that an abrupt SET takes. It raises the node by 0.1 V in
    a picosecond; the charge was measured slower, and the transistor's body follows through 50 ohm.

    Raises
    ------
    ParameterError
        If ``device`` is not the model that ``circuit`` has.
    """
    given, scheme = circuit.parameters, scheme or WriteScheme()
    if given.model != device.parameter_set or given.device["values"] != device.parameters():
        raise ParameterError(
            f"the circuit holds {given.model!r}, the model is a {device.kind!r} or has other numbers",
            place="fit_cell",
            remedy="give both the same model and the same changes",
        )
    highest = max(scheme.set_bit_line, scheme.reset_source_line, scheme.form_bit_line[1])
    transistor = simulated_access(
        float(np.ceil(highest * 10) / 10),
        corner=circuit.corner,
        temperature=circuit.temperature,
        transistor=given.transistor,
        width=given.width,
        length=given.length,
    )
    levels = np.array(CALIBRATION_LEVELS)
    reached = circuit.write(np.zeros(levels.size), scheme.set_pulse(levels)).state

    def cell(share: float) -> RramCell:
        return RramCell(
            device=device,
            transistor=transistor.with_charge(share),
            inner_capacitance=given.inner_capacitance,
            read_voltage=given.read_voltage,
            read_gate_voltage=given.read_gate_voltage,
        )

    def states(share: float) -> np.ndarray:
        return cell(share).write(np.zeros(levels.size), scheme.set_pulse(levels), circuit.temperature).state

    found: Any = optimize.minimize_scalar(
        lambda share: float(np.sum((states(share) - reached) ** 2)),
        bounds=_SHARES,
        method="bounded",
        options={"xatol": 1e-3},
    )
    share = float(found.x)
    table = pd.DataFrame({"word_line": levels, "circuit": reached, "model": states(share)})
    return CellFit(cell(share), share, table)


def simulated_write_cost(
    circuit: CircuitCell, scheme: WriteScheme | None = None, *, word_line: float = 1.8, **endurance: Any
) -> WriteCost:
    """Energy and time of one full SET (word line in V) and one full RESET, from two transients in ngspice.

    ``endurance`` sets the fields of :class:`WriteCost` that no simulation gives.
    """
    scheme = scheme or WriteScheme()
    low = circuit.write(np.ones(1), scheme.reset_pulse)
    high = circuit.write(low.state, scheme.set_pulse(word_line))
    back = circuit.write(high.state, scheme.reset_pulse)
    time = scheme.width + 2 * scheme.edge
    return WriteCost(
        set_energy=float(high.energy[0]),
        reset_energy=float(back.energy[0]),
        set_time=time,
        reset_time=time,
        origin=f"ngspice, 1T1R cell with {circuit.parameters.model} and {circuit.parameters.transistor} "
        f"{circuit.parameters.width * 1e6:g}/{circuit.parameters.length * 1e6:g} um, {circuit.corner}; "
        "endurance as given",
        **endurance,
    )
