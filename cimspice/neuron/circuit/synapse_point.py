"""Current of one synapse at one gate bias and one membrane voltage: what an adaptive campaign chooses."""

from __future__ import annotations

from typing import Annotated, ClassVar

import pandas as pd

from cimspice.bench.bench import Bench, register
from cimspice.netlist import NetlistParameters, quantity
from cimspice.neuron.circuit.static import PRECISE, SynapseParameters
from cimspice.spice import Op, SolverOptions, Waveforms


class SynapsePointParameters(SynapseParameters):
    """One synapse, its membrane held; the sweep of :class:`SynapseParameters` is not used."""

    membrane_voltage: Annotated[float, quantity("V", ge=-0.2, le=2.0)] = 1.3


@register
class SynapsePoint(Bench):
    """As the bench ``neuron_synapse``, but one operating point a simulation."""

    name: ClassVar[str] = "neuron_synapse_point"
    title: ClassVar[str] = "spiking neuron: synapse current at one gate bias and membrane voltage"
    template: ClassVar[str] = "neuron/synapse_point"
    Parameters: ClassVar[type[NetlistParameters]] = SynapsePointParameters
    columns: ClassVar[dict[str, str]] = {"current": "A"}
    altered: ClassVar[dict[str, str]] = {"gate_bias": "vgate", "membrane_voltage": "vmembrane"}

    def analysis(self, parameters: SynapsePointParameters) -> Op:
        return Op(save=("vmembrane#branch",))

    def options(self, parameters: SynapsePointParameters) -> SolverOptions:
        return PRECISE

    def measure(self, parameters: SynapsePointParameters, waveforms: Waveforms) -> pd.DataFrame:
        # the branch current enters the source: it is what the synapse drives into the membrane
        sign = -1.0 if parameters.polarity == "n" else 1.0
        return pd.DataFrame({"current": sign * waveforms["vmembrane#branch"]})
