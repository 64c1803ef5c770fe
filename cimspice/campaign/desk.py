"""One condition under which a circuit is characterised, and the tables of its benches there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cimspice.campaign.run import run_campaign
from cimspice.campaign.runner import Engine
from cimspice.campaign.specification import parse_specification
from cimspice.campaign.store import Store
from cimspice.circuits.neuron.circuit import NeuronCircuit
from cimspice.errors import SimulationError


@dataclass
class Desk:
    """What every step of a characterisation needs.

    Attributes
    ----------
    circuit, corner, temperature
        Under which everything is measured; temperature in degrees Celsius.
    engine, store
        What runs points, and where they are kept.
    told
        Called with one line of text as a step begins.
    """

    circuit: NeuronCircuit
    corner: str
    temperature: float
    engine: Engine
    store: Store
    told: Callable[[str], object]

    def table(self, bench: str, sweep: Mapping[str, Any] | None = None, **fixed: Any) -> pd.DataFrame:
        """Table of one bench under this desk's conditions, from the store where it is there already.

        Raises
        ------
        SimulationError
            If a point fails.
        """
        axes = {name: np.asarray(values).tolist() for name, values in (sweep or {}).items()}
        specification = parse_specification(
            {
                "campaign": {"bench": bench},
                "parameters": {"circuit": self.circuit.model_dump(mode="json"), **fixed},
                "sweep": {**axes, "corners": [self.corner], "temperatures": [self.temperature]},
            },
            source=f"characterisation of the neuron, {bench}",
        )
        result = run_campaign(specification, store=self.store, engine=nullcontext(self.engine))
        if result.failed:
            point, record = result.failures[0]
            raise SimulationError(
                f"{result.failed} of {result.points} points of {bench} failed; the first: "
                f"{record.error}: {record.message}",
                place=f"{point.given}, {self.corner}, {self.temperature:g} °C",
                remedy="see the message; finished points are kept, a second run tries the others again",
            )
        return result.table
