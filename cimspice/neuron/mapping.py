"""From trained weights to what is programmed into the spiking circuit, and back to the weights it
realises."""

from dataclasses import dataclass

import numpy as np

from cimspice.arrays import Array, checked_array, checked_number, real_array
from cimspice.errors import MappingError
from cimspice.neuron.model.neuron import NeuronModel
from cimspice.neuron.model.synapse_currents import Polarity

SIGNS: tuple[tuple[int, Polarity], ...] = ((1, "n"), (-1, "p"))


@dataclass(frozen=True, eq=False)
class LayerMapping:
    """One layer's programming."""

    polarity: Array
    """+1 where an n-synapse carries the weight, −1 p, 0 none; shape (neurons, inputs)."""
    program: Array
    """Gate bias (V) or resistor length (m), same shape; 0 where there is none."""
    wanted: Array
    realised: Array
    """``wanted``, ``realised``: normalised weights asked for (after scaling) and given, same shape."""
    clipped: Array
    """True where a weight was beyond the largest current."""
    dropped: Array
    """True where a weight that is not zero was below the smallest current and is left out."""


def map_layer(
    model: NeuronModel,
    weights: Array,
    *,
    scale_plus: float = 1.0,
    scale_minus: float = 1.0,
    beyond: str = "clip",
) -> LayerMapping:
    """Program a layer: weight w asks for the current |w| · unit current at V0.

    Parameters
    ----------
    model
        The neuron's model: its currents decide what a program gives.
    weights
        Normalised weights, shape (neurons, inputs): weight 1 moves the membrane by V_th in one phase.
    scale_plus, scale_minus
        Factors on positive and negative weights (the paper's α⁺, α⁻).
    beyond
        What to do with a weight beyond the largest current: ``"clip"`` programs the largest and reports it,
        ``"raise"`` refuses.

    Raises
    ------
    MappingError
        If a weight is not finite, or is beyond the range and ``beyond`` is ``"raise"``.
    """
    weights = np.asarray(real_array("weights", weights, MappingError), float)
    if weights.ndim != 2 or not weights.size or not np.all(np.isfinite(weights)):
        raise MappingError(
            f"weights have shape {weights.shape} or hold values that are not finite",
            place="weights",
            remedy="give a finite matrix (neurons, inputs)",
        )
    if beyond not in ("clip", "raise"):
        raise MappingError(f"beyond = {beyond!r} is unknown", place="beyond", remedy="use 'clip' or 'raise'")
    for name, scale in (("scale_plus", scale_plus), ("scale_minus", scale_minus)):
        checked_number(name, scale, above=0, error=MappingError)
    unit = model.unit_current(weights.shape[1])
    scaled = np.where(weights >= 0, weights * scale_plus, weights * scale_minus)
    polarity, program = np.zeros(weights.shape, int), np.zeros(weights.shape)
    realised = np.zeros(weights.shape)
    clipped, dropped = np.zeros(weights.shape, bool), np.zeros(weights.shape, bool)
    for sign, name in SIGNS:
        synapse = model.synapses[name]
        smallest, largest = synapse.rest_current.min(), synapse.rest_current.max()
        current = sign * scaled * unit
        mine = current > 0
        over = mine & (current > largest)
        if beyond == "raise" and np.any(over):
            neuron, source = np.argwhere(over)[0]
            raise MappingError(
                f"weight {weights[neuron, source]:.4g} needs {current[neuron, source]:.4g} A; the largest "
                f"{name}-current is {largest:.4g} A (weight {largest / unit:.4g})",
                place=f"neuron {neuron}, input {source}",
                remedy="limit the weights in training, lengthen the phase, or map with beyond='clip'",
            )
        clipped |= over
        dropped |= mine & (current < smallest)
        used = mine & (current >= smallest)
        polarity[used] = sign
        bounded = np.minimum(current[used], largest)
        program[used] = synapse.program_for(bounded)
        realised[used] = sign * synapse.current(program[used], np.array(model.rest_voltage)) / unit
    return LayerMapping(polarity, program, scaled, realised, clipped, dropped)


def weight_range(model: NeuronModel, inputs: int) -> tuple[tuple[float, float], tuple[float, float]]:
    """Least and largest magnitudes of the negative and of the positive weights that synapses can carry on a
    membrane with this many inputs."""
    unit = model.unit_current(inputs)
    negative, positive = (model.synapses[name].rest_current / unit for name in ("p", "n"))
    return (negative.min(), negative.max()), (positive.min(), positive.max())


def weight_slopes(model: NeuronModel, mapping: LayerMapping) -> Array:
    """∂program/∂weight (V or m) of every synapse, shape (neurons, inputs); 0 where there is none."""
    slopes = np.zeros(mapping.program.shape)
    for sign, name in SIGNS:
        used = mapping.polarity == sign
        table = model.synapses[name].current
        terms = table.weight_slopes(mapping.program[used], np.ones(used.sum(), bool))
        slopes[used] = sign / (terms.T @ table.basis(np.array(model.rest_voltage)))
    return slopes * model.unit_current(mapping.program.shape[1])


def realised_weights(model: NeuronModel, polarity: Array, program: Array) -> Array:
    """Normalised weights that a programming gives, shape (neurons, inputs): the way back."""
    polarity = checked_array(
        "entries of polarity", polarity, ("neurons", "inputs"), low=-1, high=1, whole=True, error=MappingError
    )
    program = np.asarray(real_array("programs", program, MappingError), float)
    if program.shape != polarity.shape or not np.isfinite(program[polarity != 0]).all():
        raise MappingError(
            f"programs have shape {program.shape}, or are not finite where there is a synapse",
            place="programs",
            remedy=f"give finite numbers of shape {polarity.shape}",
        )
    weights = np.zeros(polarity.shape)
    for sign, name in SIGNS:
        used = polarity == sign
        weights[used] = sign * model.synapses[name].current(program[used], np.array(model.rest_voltage))
    return weights / model.unit_current(polarity.shape[1])
