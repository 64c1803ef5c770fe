"""A trained ReLU network on circuit neurons: converted, fine-tuned for the circuit, and programmed."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from cimspice.arrays import checked_count
from cimspice.network.decisions import agreement, strongest
from cimspice.network.graph import Network
from cimspice.neuron.emulator.activation_layer import ActivationLayer, Scales, inverse_potentials_of
from cimspice.neuron.emulator.ramp import Ramp
from cimspice.neuron.mapping import map_layer
from cimspice.neuron.model.neuron import NeuronModel
from cimspice.neuron.model.simplify import ramp_beta
from cimspice.neuron.training.conversion import Conversion, converted
from cimspice.neuron.training.fine_tuning import Circuits, fine_tuned
from cimspice.progress import OnProgress, Progress, silent

Sizes = Callable[[Sequence[tuple[int, int]], Sequence[int], OnProgress], NeuronModel]
"""(Fan-in, fan-out) of all layers, loads of all lines, and what shows progress, to the model of a neuron that
is known for them."""
Layers = dict[str, ActivationLayer]
_MARGIN = 0.95
"""Of the largest current, for weights that are trained."""
_WARNING_INPUTS = 500


class RawConversionWarning(UserWarning):
    """A network is programmed as it was converted, without fine-tuning for the circuit."""


@dataclass(frozen=True)
class NeuronCircuits:
    """The protocol of `cimspice.network.circuit.Converter`.

    Parameters
    ----------
    model_for
        The neuron's model for the sizes of a network.
    fine_tuning
        Whether converted weights are trained for the circuit before they are programmed.
    epochs
        Of that training; None for 40, or 10 of a network with convolutions.
    seed
        Of its mini-batches.
    """

    model_for: Sizes
    fine_tuning: bool = True
    epochs: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.epochs is not None:
            checked_count("epochs", self.epochs, place="neuron circuit")
        checked_count("seed", self.seed, low=0, place="neuron circuit")

    @property
    def family(self) -> str:
        """``"neuron"``."""
        return "neuron"

    def layers(
        self, network: Network, calibration: np.ndarray, progress: OnProgress = silent
    ) -> tuple[Layers, Layers | None]:
        """Layers of neurons, scaled and fine-tuned with calibration inputs (samples, ...), and as they were
        converted; no labels are needed.

        Raises
        ------
        MappingError
            For what spikes cannot express: node, reason, remedy.
        """
        conversion = converted(network, calibration)
        model = self.model_for(conversion.fans, conversion.line_loads, progress)
        progress(Progress(stage="fine-tuning for the circuit"))
        unchanged = [stage.normalised() for stage in conversion.stages]
        convolutions = any(stage.kernel for stage in conversion.stages)
        epochs = self.epochs or (10 if convolutions else 40)
        trained = fine_tuned(conversion, circuits_of(conversion, model), calibration,
                             epochs=epochs, seed=self.seed)  # fmt: skip
        raw = _programmed(conversion, model, unchanged, unchanged)
        tuned = _programmed(conversion, model, trained, unchanged)
        if self.fine_tuning:
            return tuned, raw
        _warn(network, raw, tuned, calibration)
        return raw, None


def circuits_of(conversion: Conversion, model: NeuronModel) -> Circuits:
    """What training knows of the circuit: E of each current, largest weights, and the ramp."""
    units = [model.unit_current(stage.inputs) for stage in conversion.stages]
    largest = [float(model.synapses[name].rest_current.max()) * _MARGIN for name in ("p", "n")]
    return Circuits(
        [inverse_potentials_of(model, stage.inputs) for stage in conversion.stages],
        [(largest[0] / unit, largest[1] / unit) for unit in units],
        Ramp(ramp_beta(model)),
    )


def _programmed(
    conversion: Conversion, model: NeuronModel, weights: Sequence[np.ndarray], raw: Sequence[np.ndarray]
) -> Layers:
    return {
        stage.node.name: ActivationLayer(
            model,
            map_layer(model, matrix),
            map_layer(model, unchanged),
            Scales(stage.input_scale, stage.full_scale, stage.offset, stage.rectifies),
            stage.loads,
            stage.spiking,
        )
        for stage, matrix, unchanged in zip(conversion.stages, weights, raw, strict=True)
    }


def _warn(network: Network, raw: Layers, tuned: Layers, calibration: np.ndarray) -> None:
    x = calibration[:_WARNING_INPUTS]
    wanted = strongest(network.outputs(x).reshape(len(x), -1))
    shares = []
    for layers in (raw, tuned):
        smooth = {name: layer.smooth for name, layer in layers.items()}
        found = strongest(network.outputs(x, smooth).reshape(len(x), -1))
        shares.append(100 * agreement(found, wanted))
    warnings.warn(
        f"{network.name} is programmed as converted: {shares[0]:.4g} % of its decisions for "
        f"{len(x)} calibration inputs are software's, {shares[1]:.4g} % after fine-tuning (by the law of "
        "reversal potentials)",
        RawConversionWarning,
        stacklevel=3,
    )
