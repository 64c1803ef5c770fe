"""The same matrix programmed on an array in ngspice and by the emulator's model of the cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cimspice.crossbar.circuit.cells import LARGEST_TRANSIENT, ArrayCircuit
from cimspice.crossbar.validation.array_programming import ArrayRecord, CircuitArray, program_array
from cimspice.crossbar.validation.one_transistor import access_spline, one_transistor_crossbar
from cimspice.errors import ParameterError
from cimspice.fit.family_card import Card
from cimspice.notebook import shown
from cimspice.progress import OnProgress, Progress, silent
from cimspice.rram.model.card import cell_of
from cimspice.rram.model.cell import RramCell
from cimspice.rram.model.device import RramDevice
from cimspice.rram.model.programming import SetResponse, WriteRecord, WriteScheme, write_verify
from cimspice.rram.model.skywater import SkywaterReram
from cimspice.rram.validation.cell import CircuitCell, fit_cell

LOWEST, HIGHEST = 2e-6, 80e-6
"""Conductances (S) that one SET of the filament model reaches reproducibly."""
_CPU_SECONDS_PER_CELL_PULSE = 0.037
_PULSES_PER_BIT_LINE = 9


@dataclass(frozen=True)
class ProgrammingValidation:
    """A matrix of targets (rows, columns) in S, written in ngspice and by the model of the cell.

    ``solved`` (S) is what the crossbar solver reads from the states that ngspice left.
    """

    target: np.ndarray
    scheme: WriteScheme
    cell: RramCell
    model: WriteRecord
    circuit: ArrayRecord
    solved: np.ndarray

    def _repr_html_(self) -> str:
        return shown("Programming of an array: model against ngspice", programming_report(self))


def validate_programming(
    size: int = 8,
    *,
    tolerance: float = 0.05,
    lowest: float = 5e-6,
    highest: float = 60e-6,
    corner: str = "tt",
    card: Card | None = None,
    seed: int = 0,
    progress: OnProgress = silent,
) -> ProgrammingValidation:
    """Program a random matrix (uniform in the logarithm from ``lowest`` to ``highest`` S) in both.

    ``card`` is that of the memory, with the emulator's cell; its temperature is that of both. Without one
    the cell is made from ngspice at 27 °C.

    Raises
    ------
    ParameterError
        For sizes that ngspice would not finish, for conductances that no SET reaches, and for a card of
        another corner, memory or transistor.
    """
    _check(size, lowest, highest)
    scheme, temperature = WriteScheme(tolerance=tolerance), 27.0
    logs = np.random.default_rng(seed).uniform(np.log(lowest), np.log(highest), (size, size))
    target, device = np.exp(logs), SkywaterReram.published()
    if card is None:
        progress(Progress(stage="ngspice: access transistor and five SETs of a cell"))
        cell = fit_cell(device, CircuitCell(corner=corner), scheme).cell
    else:
        cell = _cell_of(card, corner, device)
        temperature = card.conditions.temperature or temperature
    progress(Progress(stage="emulator: program"))
    response = SetResponse.of(cell, scheme, temperature, points=33)
    array = CircuitArray(np.zeros(target.shape), corner=corner, temperature=temperature)
    # segments of the source line from each bit line to the driver at the bottom
    wire = (size - np.arange(size))[:, None] * array.array.source_line_resistance
    model = write_verify(cell, target, scheme, response=response, ambient=temperature, source_resistance=wire)
    circuit = program_array(array, target, scheme, response=response, progress=progress)
    voltage = array.read_voltage
    transistor = access_spline(
        array.array, gate_voltage=array.read_word_line_voltage, corner=corner, temperature=temperature
    )
    solver = one_transistor_crossbar(device, array.states, transistor, array.array)
    solved = solver.currents(voltage * np.eye(size)) / voltage
    return ProgrammingValidation(target, scheme, cell, model, circuit, solved)


def _cell_of(card: Card, corner: str, device: RramDevice) -> RramCell:
    cell, own = cell_of(card), card.provenance.get("circuit")
    array = ArrayCircuit()
    wanted = {name: getattr(array, name) for name in ("transistor", "width", "length")}
    known = {"corner": card.conditions.corner, **(own if isinstance(own, dict) else {})}
    for name, value in {"corner": corner, **wanted}.items():
        if known.get(name, value) not in (value, None):
            raise ParameterError(
                f"the card is of {name} {known[name]!r}, not {value!r}"[:200],
                place="--card",
                remedy="give another card: cimspice characterize rram --card FILE",
            )
    if cell.device != device:
        raise ParameterError(
            f"the card is of a {cell.device.kind!r} or has other numbers", place="--card",
            remedy=f"give one of {device.kind!r} as published",
        )  # fmt: skip
    return cell


def estimated_seconds(size: int) -> float:
    """CPU seconds that programming (size, size) cells takes in ngspice, of the order of magnitude."""
    return size * _PULSES_PER_BIT_LINE * size**2 * _CPU_SECONDS_PER_CELL_PULSE


def _check(size: int, lowest: float, highest: float) -> None:
    if not (size >= 2 and size * size <= LARGEST_TRANSIENT):
        raise ParameterError(
            f"{size} x {size} cells",
            place="size",
            remedy=f"give 2 to {round(LARGEST_TRANSIENT**0.5)}; larger matrices: cimspice.rram.write_verify",
        )
    if not LOWEST <= lowest < highest <= HIGHEST:
        raise ParameterError(
            f"targets from {lowest:g} to {highest:g} S",
            place="targets",
            remedy=f"stay within {LOWEST:g} to {HIGHEST:g} S, the lower one first",
        )


def programming_report(result: ProgrammingValidation) -> dict[str, Any]:
    """Figures of both sides, for JSON."""
    circuit, model, target = result.circuit, result.model, result.target
    final = circuit.final
    verified = circuit.record.conductance
    return {
        "rows": target.shape[0],
        "columns": target.shape[1],
        "tolerance": result.scheme.tolerance,
        "ngspice": {
            **circuit.record.summary(),
            "rms_error_at_the_end": float(np.sqrt(np.mean((final / target - 1) ** 2))),
            "array_time": circuit.time,
            "transients": circuit.transients,
            "cpu_seconds": circuit.seconds,
            "state_disturb": circuit.disturb,
            "conductance_disturb": float(np.abs(final / verified - 1).max()),
        },
        "emulator": model.summary(),
        "difference": {
            "pulses": _ratio(
                model.set_pulses + model.reset_pulses,
                circuit.record.set_pulses + circuit.record.reset_pulses,
            ),
            "energy": _ratio(model.energy, circuit.record.energy),
            "rms_conductance": float(np.sqrt(np.mean((model.conductance / verified - 1) ** 2))),
            "same_pulses": float(np.mean(model.set_pulses == circuit.record.set_pulses)),
        },
        "read_error_of_solver": float(np.abs(result.solved - final).max() / final.max()),
        "target": target,
        "conductance": {"ngspice": final, "emulator": model.conductance},
    }


def _ratio(model: np.ndarray, circuit: np.ndarray) -> float:
    """Of the sums, minus one."""
    return float(model.sum() / circuit.sum() - 1)
