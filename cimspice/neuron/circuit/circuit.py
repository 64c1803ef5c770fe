"""Sizes, supplies and timing of the spiking neuron's circuit."""

from typing import Annotated, Literal

from cimspice.netlist import NetlistParameters, quantity

Width = Annotated[float, quantity("m", ge=0.42e-6, le=100e-6)]
Length = Annotated[float, quantity("m", ge=0.15e-6, le=100e-6)]


class NeuronCircuit(NetlistParameters):
    """One neuron's circuit with its synapses.

    From the paper (Sakemi et al., arXiv 2412.09010): supply, V0, synapse 1 µm / 0.25 µm with the memory
    transistor at the membrane, 7 µm × 7 µm MIM capacitor, 1 µs phases, an n-channel discharger, a sensing
    inverter of an LVT n-channel input against an HVT p-channel source biased at 0.95 V.

    Chosen here, because the paper does not give it: ``wire_capacitance`` brings a five-input membrane to the
    paper's 140 fF; the sensing inverter is sized so that the membrane stands at the paper's V_switch of about
    0.43 V when the output spikes, with the widest input that keeps its own delay at a few nanoseconds (a
    0.1 µA inverter of minimum area took 75 ns); the ramp then crosses at one slope, so delay and offset are
    the same for every spike. Only its current source is gated, so that the output is low whenever fire is
    low.
    """

    synapse: Literal["mosfet", "resistor"] = "mosfet"
    order: Literal["memory_at_membrane", "selector_at_membrane"] = "memory_at_membrane"
    supply: Annotated[float, quantity("V", gt=1.0, le=1.98)] = 1.8
    rest_voltage: Annotated[float, quantity("V", gt=0.5, le=1.9, description="V0")] = 1.3
    phase: Annotated[float, quantity("s", ge=20e-9, le=1e-3, description="length T of a phase")] = 1e-6
    edge: Annotated[float, quantity("s", ge=1e-11, le=1e-8, description="edges of clocks and inputs")] = (
        0.2e-9
    )
    reset_lead: Annotated[
        float, quantity("s", ge=1e-9, le=1e-7, description="from reset's end to the phase")
    ] = 4e-9
    synapse_width: Width = 1e-6
    synapse_length: Length = 0.25e-6
    selector_width: Width = 1e-6
    resistor_width: Annotated[float, quantity("m", ge=0.33e-6, le=10e-6)] = 0.35e-6
    gate_length: Length = 0.15e-6
    capacitor_side: Annotated[float, quantity("m", ge=2e-6, le=30e-6, description="MIM capacitor")] = 7e-6
    wire_capacitance: Annotated[float, quantity("F", ge=0, le=1e-12, description="layout, per neuron")] = (
        19e-15
    )
    reset_width: Width = 0.42e-6
    discharger_width: Width = 1e-6
    discharger_length: Length = 1e-6
    sense_width_n: Width = 8e-6
    sense_width_p: Width = 1e-6
    sense_bias: Annotated[float, quantity("V", ge=0, le=1.8)] = 0.95
    header_width: Width = 2e-6
    inverter_width: Width = 0.42e-6
    nand_width: Width = 1.68e-6
    driver_width: Width = 1e-6
    wired: bool = False
    """Wires are elements of the netlist: n-synapses have a pin for their ground rail, and of a neuron's
    ``wire_capacitance`` stands there what its membrane's line leaves."""

    def unselected_bias(self, polarity: Literal["n", "p"]) -> float:
        """Gate bias (V) of a memory transistor that carries no weight."""
        return 0.0 if polarity == "n" else self.supply


def resistor_circuit() -> NeuronCircuit:
    """The circuit with poly resistors: 200 ns phases and a membrane of 1 pF.

    At the MOSFET synapse's 122 nA a resistor would be ten megaohms, more than a millimetre of poly; at the
    unit current here, 2.7 µA, it is 370 kΩ, 50 µm. V0 is near the middle of the supply, so that both rails
    are about as far (E⁺ = V0/V_th = 1.9, E⁻ = −(V_DD − V0)/V_th = −1.5); at the MOSFET circuit's 1.3 V, E⁻
    would be −0.6. Selectors of 1 µm (n) and 2 µm (p) stand for 0.7 and 1.7 % of the shortest resistor, and
    for less of every other one, with 1 fF behind it. The switch to V0 is wider, because it has 1 pF to reset.

    The phase is five times as short as with MOSFETs, so the sensing inverter gets more current and a wider
    input: it switches at 0.48 V and decides in 1.7 ns at tt, 4.5 ns at ss, where the MOSFET circuit's takes
    3.8 and 17 ns.
    """
    return NeuronCircuit(
        synapse="resistor",
        phase=200e-9,
        rest_voltage=1.0,
        capacitor_side=22e-6,
        reset_width=1e-6,
        discharger_width=4e-6,
        discharger_length=0.5e-6,
        sense_width_n=16e-6,
        sense_bias=0.8,
    )
