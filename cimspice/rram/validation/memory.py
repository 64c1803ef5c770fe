"""What a memory's card says beside ngspice: currents of reads, and single pulses on the 1T1R cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cimspice.arrays import checked_count
from cimspice.campaign.versions import provenance
from cimspice.errors import ParameterError
from cimspice.fit.family_card import Card
from cimspice.progress import OnProgress, Progress, silent
from cimspice.rram.circuit.cell_write import CellWriteParameters
from cimspice.rram.model.card import ACCESS, cell_of, device_of, read_of
from cimspice.rram.model.cell import WritePulse
from cimspice.rram.model.programming import WriteScheme
from cimspice.rram.model.read import SinhRead
from cimspice.rram.validation.cell import CircuitCell
from cimspice.rram.validation.device import READ_STATES, check_device, read_curves

READ_VOLTAGE = 0.285
"""Its tenths lie between the voltages (V) that a card's read law is fitted to."""
_SET_LEVELS, _RESET_LEVELS = (1.0, 2.0), (2.0, 2.6)


@dataclass(frozen=True, eq=False)
class MemoryValidation:
    """A card's read law and cell beside ngspice.

    Attributes
    ----------
    reads
        voltage (V), current (A, ngspice), model_current.
    pulses
        initial_state, word_line and source_line (V; the bit line stands at the SET's level where the source
        line is 0), state_after, conductance (S), energy (J) in ngspice, and model_... of these three; None
        for a card without a cell.
    """

    card: Card
    reads: pd.DataFrame
    pulses: pd.DataFrame | None

    @property
    def read_error(self) -> float:
        """Rms difference of the currents, relative to the largest."""
        apart = self.reads["model_current"] - self.reads["current"]
        return float(np.sqrt(np.mean(apart**2)) / self.reads["current"].abs().max())

    def facts(self) -> dict[str, Any]:
        """What ``--json`` prints; of pulses null where there is no cell."""
        found: dict[str, Any] = dict.fromkeys(
            ("pulses", "state_rmse", "state_worst", "conductance_error", "energy_error")
        )
        if self.pulses is not None:
            state, conductance, energy = (
                (self.pulses[f"model_{name}"] - self.pulses[name]).to_numpy()
                for name in ("state_after", "conductance", "energy")
            )
            found = {
                "pulses": len(self.pulses),
                "state_rmse": float(np.sqrt(np.mean(state**2))),
                "state_worst": float(np.abs(state).max()),
                "conductance_error": _relative(conductance, self.pulses["conductance"]),
                "energy_error": _relative(energy, self.pulses["energy"]),
            }
        own = self.card.conditions
        return {
            "device": device_of(self.card).parameter_set,
            "reads": len(self.reads),
            "read_error": self.read_error,
            **found,
            "corner": own.corner or "tt",
            "temperature": 27.0 if own.temperature is None else own.temperature,
            "provenance": provenance(),
        }


def validate_memory(
    card: Card, *, pulses: int = 20, seed: int = 0, progress: OnProgress = silent
) -> MemoryValidation:
    """Reads between the voltages of the fit; and ``pulses``, SETs and RESETs in turn from drawn states with
    drawn levels, none of them those that the card was made from.

    Raises
    ------
    ParameterError
        For fewer than two pulses, and a card whose memory has no netlist.
    SimulationError
        If a simulation fails.
    """
    checked_count("pulses", pulses, low=2)
    device = device_of(card)
    check_device(device.parameter_set)
    celsius = 27.0 if card.conditions.temperature is None else card.conditions.temperature
    progress(Progress(stage="ngspice: reads of the memory"))
    reads = read_curves(
        device.parameter_set, READ_VOLTAGE, states=READ_STATES[-1:], temperature=celsius
    ).drop(columns="state")
    law = read_of(card).model_of(SinhRead)
    reads["model_current"] = law.current(reads["voltage"].to_numpy())
    if ACCESS not in card.parts:
        return MemoryValidation(card, reads, None)
    progress(Progress(stage="ngspice: pulses on the cell"))
    return MemoryValidation(card, reads, _pulses(card, celsius, pulses, seed))


def _pulses(card: Card, celsius: float, count: int, seed: int) -> pd.DataFrame:
    cell, scheme, rng = cell_of(card), WriteScheme(), np.random.default_rng(seed)
    transistor = card.provenance.get("circuit")
    if not isinstance(transistor, dict):
        raise ParameterError(
            "the card does not say which transistor its cell has",
            place="provenance of the card",
            remedy="characterise it again: cimspice characterize rram --card FILE",
        )
    given = CellWriteParameters.model_validate({"model": device_of(card).parameter_set, **transistor})
    circuit = CircuitCell(given, card.conditions.corner or "tt", celsius)
    sets = np.arange(count) % 2 == 0
    table = pd.DataFrame(
        {
            "initial_state": np.where(sets, rng.uniform(0.0, 0.4, count), rng.uniform(0.5, 1.0, count)),
            "word_line": np.where(sets, rng.uniform(*_SET_LEVELS, count), scheme.reset_word_line),
            "source_line": np.where(sets, 0.0, rng.uniform(*_RESET_LEVELS, count)),
        }
    )
    pulse = WritePulse(
        table["word_line"],
        bit_line=np.where(sets, scheme.set_bit_line, 0.0),
        source_line=table["source_line"],
        width=scheme.width,
        edge=scheme.edge,
    )
    states = table["initial_state"].to_numpy()
    for prefix, written in (("", circuit), ("model_", cell)):
        reached = written.write(states, pulse, celsius)
        table[f"{prefix}state_after"], table[f"{prefix}energy"] = reached.state, reached.energy
        table[f"{prefix}conductance"] = written.conductance(reached.state)
    return table


def _relative(apart: np.ndarray, reference: pd.Series) -> float:
    """Rms over the reference's rms."""
    return float(np.linalg.norm(apart) / np.linalg.norm(reference))
