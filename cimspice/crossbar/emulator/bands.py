"""95 % bands of the currents of tiles: what the fit of the cells' read law leaves open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from cimspice.crossbar.emulator.network_layers import changed, values_read
from cimspice.crossbar.emulator.tile_layer import TiledLayer, solved
from cimspice.fit.bands import Band, parameter_draws, why_not_counted
from cimspice.fit.card import ModelCard
from cimspice.network.circuit import CircuitNetwork


def current_band(network: CircuitNetwork, x: np.ndarray, card: ModelCard, *, seed: int = 0) -> Band:
    """The band of the column currents (A) of all tiles, one after another, for inputs (samples, inputs).

    Parameters
    ----------
    network
        Of sinh cells.
    x
        As the network takes them.
    card
        Of the read law that the cells' nonlinearity is from.
    seed
        Of the draws.
    """

    def currents(values: np.ndarray) -> np.ndarray:
        found: list[np.ndarray] = []

        def read(layer: TiledLayer, voltages: Sequence[np.ndarray]) -> list[np.ndarray]:
            found.extend(currents := solved(layer, voltages))
            return currents

        nonlinearity = float(values[0])
        values_read(changed(network, lambda layer: replace(layer, nonlinearity=nonlinearity)), x, read)
        return np.concatenate([part.ravel() for part in found])

    left = {"conductances": "set, not measured", "wires": "set, not measured"}
    known = np.array([card.parameters["curvature"].value])
    if reason := why_not_counted(card):
        return Band(currents(known), np.zeros((1, 1)), (), {"read law": reason, **left})
    place = list(card.parameters).index("curvature")
    variance = np.array(card.covariance, dtype=float)[place : place + 1, place : place + 1]
    deviations = parameter_draws(currents, known, variance, card.freedom, np.random.default_rng(seed))
    return Band(currents(known), deviations, ("read law",), left)
