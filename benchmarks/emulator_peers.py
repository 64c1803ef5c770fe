"""CrossSim and aihwkit as their users call them: an AnalogCore or a mapped linear layer for every layer."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cimspice.network.convolution import patches
from cimspice.network.graph import Network


@dataclass(frozen=True)
class CrossSimLayer:
    """Weighted sums (n, outputs) of inputs (n, inputs)."""

    core: Any

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(self.core.matmat(np.ascontiguousarray(x.T)).T, dtype=float)


@dataclass(frozen=True)
class AihwkitLayer:
    """Weighted sums (n, outputs) of inputs (n, inputs), in the single precision that it has."""

    torch: Any
    module: Any

    def __call__(self, x: np.ndarray) -> np.ndarray:
        with self.torch.no_grad():
            return self.module(self.torch.from_numpy(np.ascontiguousarray(x, dtype=np.float32))).numpy()


@dataclass(frozen=True)
class PeerNetwork:
    """A network whose weighted sums a peer forms."""

    network: Network
    layers: Mapping[str, CrossSimLayer] | Mapping[str, AihwkitLayer]

    def outputs(self, x: np.ndarray) -> np.ndarray:
        """(samples, ...)."""
        return self.network.outputs(x, self.layers)


def cross_sim_layers(checkout: str | None, array: tuple[int, int]) -> Callable[..., PeerNetwork]:
    """Puts networks on balanced cores with arrays of these rows and columns, cells from 2 to 80 uS.

    Raises
    ------
    ImportError
        With the reason.
    """
    if checkout is not None:
        if not (Path(checkout) / "simulator").is_dir():
            raise ImportError(f"{checkout} is no checkout of CrossSim")
        sys.path.insert(0, checkout)
    try:
        package: Any = importlib.import_module("simulator")
    except ImportError as error:
        raise ImportError(f"give --cross-sim PATH or CROSS_SIM=PATH ({error})") from None

    def made(
        network: Network, x: np.ndarray, ohms: float, dac_bits: int = 0, adc_bits: int = 0
    ) -> PeerNetwork:
        values = network.values(x)
        layers = {}
        for node in network.weight_layers:
            weights = node.arrays["weights"]
            seen, matrix = values[node.inputs[0]], weights.reshape(len(weights), -1)
            if node.operation == "conv":
                settings = [node.settings.get(name, default) for name, default in
                            (("stride", (1, 1)), ("padding", (0,) * 4), ("dilation", (1, 1)))]  # fmt: skip
                seen = next(patches(seen[:2], weights.shape[2:], *settings))
            settings = package.CrossSimParameters()
            settings.core.rows_max, settings.core.cols_max = array
            settings.xbar.device.Rmin, settings.xbar.device.Rmax = 1 / 80e-6, 1 / 2e-6
            largest = float(np.abs(seen).max())
            settings.core.mapping.inputs.mvm.max = largest
            settings.core.mapping.inputs.mvm.min = -largest if seen.min() < 0 else 0.0
            if ohms:
                parasitics = settings.xbar.array.parasitics
                parasitics.enable, parasitics.Rp_row, parasitics.Rp_col = True, ohms, ohms
                settings.simulation.Niters_max_parasitics = 1000
            if dac_bits:
                settings.xbar.dac.mvm.model = "QuantizerDAC"
                settings.xbar.dac.mvm.bits = dac_bits
                settings.xbar.dac.mvm.signed = bool(seen.min() < 0)
            if adc_bits:
                parts = range(0, matrix.shape[1], array[0])
                sums = [seen[:, p : p + array[0]] @ matrix[:, p : p + array[0]].T for p in parts]
                most = max(float(np.abs(part).max()) for part in sums) / (largest * np.abs(matrix).max())
                settings.xbar.adc.mvm.model = "QuantizerADC"
                settings.xbar.adc.mvm.bits = adc_bits
                settings.xbar.adc.mvm.calibrated_range = [-most, most]
            core = package.AnalogCore(matrix, params=settings)
            layers[node.name] = CrossSimLayer(core)
        return PeerNetwork(network, layers)

    return made


def aihwkit_layers(tile: int) -> Callable[..., PeerNetwork]:
    """Puts networks on tiles of so many rows and columns, cells of at most 80 uS: floating-point inputs and
    outputs, no noise, and with wires its IR drop, which is that of the bit lines alone.

    Raises
    ------
    ImportError
        With the reason.
    """
    try:
        nn: Any = importlib.import_module("aihwkit.nn")
        configs: Any = importlib.import_module("aihwkit.simulator.configs")
        torch: Any = importlib.import_module("torch")
    except ImportError as error:
        raise ImportError(f"not timed: build aihwkit 1.2 from its source ({error})") from None
    torch.set_num_threads(1)

    def made(network: Network, x: np.ndarray, ohms: float) -> PeerNetwork:
        layers = {}
        for node in network.weight_layers:
            weights = node.arrays["weights"]
            matrix = weights.reshape(len(weights), -1)
            settings = configs.InferenceRPUConfig()
            settings.mapping.max_input_size = settings.mapping.max_output_size = tile
            forward = settings.forward
            forward.is_perfect = not ohms
            forward.inp_res = forward.out_res = -1.0
            forward.out_bound = forward.out_noise = forward.w_noise = 0.0
            if ohms:
                forward.ir_drop, forward.ir_drop_g_ratio = 1.0, 1 / (ohms * 80e-6)
            module = nn.AnalogLinearMapped(matrix.shape[1], len(matrix), bias=False, rpu_config=settings)
            module.set_weights(torch.tensor(matrix, dtype=torch.float32), None)
            module.eval()
            layers[node.name] = AihwkitLayer(torch, module)
        return PeerNetwork(network, layers)

    return made
