"""The neuron's circuit as a model: what was measured of its parts, and the conditions under which."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from scipy.interpolate import CubicSpline

from cimspice.arrays import Array
from cimspice.fit.conditions import check_known
from cimspice.neuron.model.edges import EdgeModel
from cimspice.neuron.model.readout import ReadoutModel
from cimspice.neuron.model.synapse_currents import Polarity, SynapseModel


@dataclass(frozen=True, eq=False)
class NeuronModel:
    """One neuron, for layers of any fan-in that has a read-out."""

    phase: float
    """Length T of a phase (s)."""
    rest_voltage: float
    """V0 (V), the membrane's voltage after reset."""
    switch_voltage: float
    """Effective V_switch (V): membrane voltage from which the ramp's law has the output spike at once, the
    comparator's delay included (:func:`~cimspice.neuron.model.ramp_law.fit_ramp`)."""
    synapses: Mapping[Polarity, SynapseModel]
    """``{"n": ..., "p": ...}`` at rest."""
    edges: Mapping[int, Mapping[Polarity, EdgeModel]]
    """Load of the driver (neurons that a spike line drives) → the same for the edges of a spike."""
    driver_delay: Mapping[int, float]
    """Same keys → delay (s) from an input pulse to its spike line."""
    capacitance_voltage: Array
    capacitance: Array
    """``capacitance_voltage``, ``capacitance``: capacitance (F) of the membrane without synapses, while it
    accumulates, over its voltage (V); shape (points,)."""
    leakage: Array
    """Current (A) out of the membrane without synapses at ``capacitance_voltage``; (points,)."""
    reset_step: Mapping[int, float]
    """Fan-in → step of the membrane (V) at the end of reset."""
    readouts: Mapping[tuple[int, int], ReadoutModel]
    """(fan-in, fan-out) → read-out with that many synapses on the membrane and that many neurons driven."""
    corner: str | None = None
    temperature: float | None = None
    """``corner``, ``temperature``: of the characterisation: name, degrees Celsius; None where unknown."""

    def __post_init__(self) -> None:
        check_known(self, "NeuronModel")

    @property
    def threshold_voltage(self) -> float:
        """V_th = V0 − V_switch (V), one unit of v."""
        return self.rest_voltage - self.switch_voltage

    @cached_property
    def leakage_at(self) -> CubicSpline:
        """Leakage (A) out of the membrane without synapses, as a function of its voltage (V)."""
        return CubicSpline(self.capacitance_voltage, self.leakage)

    def membrane_capacitance(self, fan_in: int) -> CubicSpline:
        """Capacitance (F) of a membrane with ``fan_in`` synapses of both polarities, over its voltage (V)."""
        synapses = sum(synapse.capacitance_at(self.capacitance_voltage) for synapse in self.synapses.values())
        return CubicSpline(self.capacitance_voltage, self.capacitance + fan_in * synapses)

    def mean_capacitance(self, fan_in: int) -> float:
        """Capacitance (F) averaged from V_switch to V0: the C_m of the unit weight I = C_m V_th / T.

        With resistor synapses, that of a neuron whose synapses are of typical length.
        """
        spline = self.membrane_capacitance(fan_in)
        return float(spline.integrate(self.switch_voltage, self.rest_voltage) / self.threshold_voltage)

    def unit_current(self, fan_in: int) -> float:
        """Current (A) of weight 1: it moves the membrane by V_th in one phase."""
        return self.mean_capacitance(fan_in) * self.threshold_voltage / self.phase
