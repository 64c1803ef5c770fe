"""One condition under which the neuron is characterised, and the tables of its benches there."""

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import pandas as pd

from cimspice.campaign.bench_run import run_bench
from cimspice.campaign.runner import Engine
from cimspice.campaign.store import Store
from cimspice.neuron.circuit.circuit import NeuronCircuit
from cimspice.pdk import Conditions
from cimspice.progress import OnProgress, Progress, in_stage


@dataclass
class Characterisation:
    """What every step of a characterisation needs."""

    circuit: NeuronCircuit
    conditions: Conditions
    """``circuit``, ``conditions``: under which everything is measured."""
    engine: Engine
    store: Store
    """``engine``, ``store``: what runs points, and where they are kept."""
    progress: OnProgress
    """Called as a step goes on."""
    _stage: str = ""

    def begin(self, stage: str) -> None:
        """Name what is measured from now on."""
        self._stage = stage
        self.progress(Progress(stage=stage))

    def table(
        self,
        bench: str,
        sweep: Mapping[str, Any] | None = None,
        monte_carlo: Mapping[str, Any] | None = None,
        **fixed: Any,
    ) -> pd.DataFrame:
        """Table of one bench under these conditions, from the store where it is there already.

        Points that do not converge run again with relaxed options: drivers of hundreds of neurons have edges
        at which the bench's tolerances are below rounding. SimulationError if a point fails.
        """
        return run_bench(
            bench,
            {"circuit": self.circuit.model_dump(mode="json"), **fixed},
            self.conditions,
            sweep=sweep or {},
            monte_carlo=monte_carlo,
            store=self.store,
            engine=nullcontext(self.engine),
            progress=in_stage(self._stage, self.progress),
            relax=True,
        )
