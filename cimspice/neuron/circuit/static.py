"""Benches of the neuron's parts at rest: synapse current, discharger and leakage, capacitances."""

from typing import Annotated, ClassVar, Literal

import numpy as np
import pandas as pd

from cimspice.bench.bench import Bench, register
from cimspice.netlist import NetlistParameters, quantity
from cimspice.neuron.circuit.circuit import NeuronCircuit
from cimspice.spice import Ac, Dc, SolverOptions, Waveforms

Bias = Annotated[float, quantity("V", ge=0, le=1.98)]
ResistorLength = Annotated[float, quantity("m", ge=1e-6, le=5e-3)]

PRECISE = SolverOptions(reltol=1e-5, abstol=1e-14, vntol=1e-8)
"""Leakage is picoamperes: ngspice's default abstol (1 pA) would hide it."""


class SynapseParameters(NetlistParameters):
    """One synapse, its membrane held by a source that is swept."""

    circuit: NeuronCircuit = NeuronCircuit()
    polarity: Literal["n", "p"] = "n"
    on: bool = True
    gate_bias: Bias = 0.5
    resistor_length: ResistorLength = 100e-6
    membrane_start: Annotated[float, quantity("V", ge=-0.2, le=2.0)] = -0.1
    membrane_stop: Annotated[float, quantity("V", ge=-0.2, le=2.0)] = 1.9
    membrane_step: Annotated[float, quantity("V", ge=1e-4, le=0.2)] = 0.01


@register
class SynapseCurrent(Bench):
    """Current over membrane voltage, positive in the direction that the synapse drives."""

    name: ClassVar[str] = "neuron_synapse"
    title: ClassVar[str] = "spiking neuron: synapse current over gate bias and membrane voltage"
    template: ClassVar[str] = "neuron/synapse"
    Parameters: ClassVar[type[NetlistParameters]] = SynapseParameters
    columns: ClassVar[dict[str, str]] = {"membrane_voltage": "V", "current": "A", "order": ""}
    altered: ClassVar[dict[str, str]] = {"gate_bias": "vgate"}
    solver: ClassVar[SolverOptions] = PRECISE

    def analysis(self, parameters: SynapseParameters) -> Dc:
        return Dc("vmembrane", parameters.membrane_start, parameters.membrane_stop, parameters.membrane_step,
                  save=("vmembrane#branch",))  # fmt: skip

    def measure(self, parameters: SynapseParameters, waveforms: Waveforms) -> pd.DataFrame:
        # the branch current enters the source: it is what the synapse drives into the membrane
        sign = -1.0 if parameters.polarity == "n" else 1.0
        return pd.DataFrame(
            {
                "membrane_voltage": np.round(waveforms.axis, 9),
                "current": sign * waveforms["vmembrane#branch"],
                "order": parameters.circuit.order,
            }
        )


class MembraneParameters(NetlistParameters):
    """The neuron without synapses, and one synapse of each polarity, at a held membrane."""

    circuit: NeuronCircuit = NeuronCircuit()
    firing: bool = False
    ramp_bias: Bias = 0.55
    gate_bias_n: Bias = 0.5
    gate_bias_p: Bias = 1.2
    resistor_length: ResistorLength = 100e-6


@register
class DischargerCurrent(Bench):
    """Current out of the membrane: the discharger's while firing, leakage otherwise."""

    name: ClassVar[str] = "neuron_discharger"
    title: ClassVar[str] = "spiking neuron: discharger current (firing) or leakage over membrane voltage"
    template: ClassVar[str] = "neuron/membrane"
    Parameters: ClassVar[type[NetlistParameters]] = MembraneParameters
    columns: ClassVar[dict[str, str]] = {"membrane_voltage": "V", "current": "A"}
    altered: ClassVar[dict[str, str]] = {"ramp_bias": "vramp"}
    # tighter, and it fails below 20 degrees
    solver: ClassVar[SolverOptions] = SolverOptions(reltol=1e-4, abstol=1e-13, vntol=1e-6)

    def analysis(self, parameters: MembraneParameters) -> Dc:
        # downwards: at 0 V the comparator's idle output is held by leakage alone, a bad place to start from
        return Dc("vmembrane", 1.8, 0.0, -0.02, save=("vneuron#branch",))

    def measure(self, parameters: MembraneParameters, waveforms: Waveforms) -> pd.DataFrame:
        return pd.DataFrame(
            {"membrane_voltage": np.round(waveforms.axis, 9), "current": waveforms["vneuron#branch"]}
        )


class CapacitanceParameters(MembraneParameters):
    """As :class:`MembraneParameters`, at one voltage."""

    membrane_voltage: Annotated[float, quantity("V", ge=-0.2, le=2.0)] = 1.3


@register
class MembraneCapacitance(Bench):
    """Capacitance at 10 MHz of the neuron without synapses and of a switched-on synapse of each polarity."""

    name: ClassVar[str] = "neuron_capacitance"
    title: ClassVar[str] = "spiking neuron: capacitance of membrane and synapses over membrane voltage"
    template: ClassVar[str] = "neuron/membrane_capacitance"
    Parameters: ClassVar[type[NetlistParameters]] = CapacitanceParameters
    columns: ClassVar[dict[str, str]] = {
        "neuron_capacitance": "F",
        "n_capacitance": "F",
        "p_capacitance": "F",
    }
    altered: ClassVar[dict[str, str]] = {"membrane_voltage": "vmembrane"}
    frequency: ClassVar[float] = 1e7

    def analysis(self, parameters: CapacitanceParameters) -> Ac:
        return Ac(1, self.frequency, self.frequency, "lin", save=("vneuron#branch", "vn#branch", "vp#branch"))

    def measure(self, parameters: CapacitanceParameters, waveforms: Waveforms) -> pd.DataFrame:
        angular = 2 * np.pi * self.frequency
        branches = {"neuron": "vneuron#branch", "n": "vn#branch", "p": "vp#branch"}
        return pd.DataFrame(
            {f"{part}_capacitance": np.imag(waveforms[branch]) / angular for part, branch in branches.items()}
        )


class InternalNodeParameters(NetlistParameters):
    """A resistor synapse that is off."""

    circuit: NeuronCircuit = NeuronCircuit(synapse="resistor")
    polarity: Literal["n", "p"] = "n"
    resistor_length: ResistorLength = 100e-6
    membrane_voltage: Annotated[float, quantity("V", ge=-0.2, le=2.0)] = 1.0


@register
class InternalNodeCapacitance(Bench):
    """Capacitance of a resistor synapse that is off: of its near end, on the membrane, and of its far end,
    the internal node between resistor and selector, which follows the membrane through the resistor."""

    name: ClassVar[str] = "neuron_internal_node"
    title: ClassVar[str] = "spiking neuron: capacitance at both ends of a resistor synapse"
    template: ClassVar[str] = "neuron/internal_node"
    Parameters: ClassVar[type[NetlistParameters]] = InternalNodeParameters
    columns: ClassVar[dict[str, str]] = {"near_capacitance": "F", "far_capacitance": "F"}
    altered: ClassVar[dict[str, str]] = {"membrane_voltage": "vmembrane"}
    frequencies: ClassVar[tuple[float, float]] = (1e3, 1e11)
    """Far below and far above 1/(2π R C) of every length."""

    def analysis(self, parameters: InternalNodeParameters) -> Ac:
        return Ac(1, *self.frequencies, "dec", save=("vmembrane#branch",))

    def measure(self, parameters: InternalNodeParameters, waveforms: Waveforms) -> pd.DataFrame:
        current = -np.imag(waveforms["vmembrane#branch"])
        both, near = current[[0, -1]] / (2 * np.pi * np.array(self.frequencies))
        return pd.DataFrame({"near_capacitance": [near], "far_capacitance": [both - near]})
