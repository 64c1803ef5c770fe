"""One synapse's current over membrane voltage with the figures of the straight line through it."""

from typing import Annotated, ClassVar

import numpy as np
import pandas as pd

from cimspice.bench.bench import Bench, register
from cimspice.netlist import NetlistParameters, quantity
from cimspice.neuron.circuit.static import PRECISE, SynapseParameters
from cimspice.spice import Dc, Op, SolverOptions, Waveforms


class SynapseLineParameters(SynapseParameters):
    """As :class:`SynapseParameters`, by default over the window of arXiv 2412.09010, 0.43 to 1.36 V."""

    membrane_start: Annotated[float, quantity("V", ge=-0.2, le=2.0)] = 0.43
    membrane_stop: Annotated[float, quantity("V", ge=-0.2, le=2.0)] = 1.36
    membrane_step: Annotated[float, quantity("V", ge=1e-4, le=0.2)] = 0.093


@register
class SynapseLine(Bench):
    """Current, and in every row of a point the same three figures of I = I0 (1 + λ d).

    d is V − V0 for n and V0 − V for p; I0 (``current_at_reset``) and λ (``reversal_coefficient``) are free;
    ``line_residual`` is the rms distance from the line over I0. For Monte Carlo: each sample has its own.
    """

    name: ClassVar[str] = "neuron_synapse_line"
    title: ClassVar[str] = "spiking neuron: synapse current with its reversal coefficient"
    template: ClassVar[str] = "neuron/synapse"
    Parameters: ClassVar[type[NetlistParameters]] = SynapseLineParameters
    columns: ClassVar[dict[str, str]] = {
        "membrane_voltage": "V",
        "current": "A",
        "order": "",
        "current_at_reset": "A",
        "reversal_coefficient": "1/V",
        "line_residual": "",
    }
    altered: ClassVar[dict[str, str]] = {"gate_bias": "vgate"}
    solver: ClassVar[SolverOptions] = PRECISE

    def analysis(self, parameters: SynapseLineParameters) -> Dc:
        given = parameters
        return Dc("vmembrane", given.membrane_start, given.membrane_stop, given.membrane_step,
                  save=("vmembrane#branch",))  # fmt: skip

    def measure(self, parameters: SynapseLineParameters, waveforms: Waveforms) -> pd.DataFrame:
        sign = -1.0 if parameters.polarity == "n" else 1.0
        voltage, current = waveforms.axis, sign * waveforms["vmembrane#branch"]
        moved = -sign * (voltage - parameters.circuit.rest_voltage)
        slope, reset = np.polyfit(moved, current, 1)
        distance = current - (reset + slope * moved)
        return pd.DataFrame(
            {
                "membrane_voltage": np.round(voltage, 9),
                "current": current,
                "order": parameters.circuit.order,
                "current_at_reset": reset,
                "reversal_coefficient": slope / reset,
                "line_residual": np.sqrt(np.mean(distance**2)) / reset,
            }
        )


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
    solver: ClassVar[SolverOptions] = PRECISE

    def analysis(self, parameters: SynapsePointParameters) -> Op:
        return Op(save=("vmembrane#branch",))

    def measure(self, parameters: SynapsePointParameters, waveforms: Waveforms) -> pd.DataFrame:
        # the branch current enters the source: it is what the synapse drives into the membrane
        sign = -1.0 if parameters.polarity == "n" else 1.0
        return pd.DataFrame({"current": sign * waveforms["vmembrane#branch"]})
