"""95 % bands of the discharge of bit lines: what training reads and measured currents leave open."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from cimspice.arrays import Array
from cimspice.fit.bands import DRAWS, Band, parameter_draws, table_draws
from cimspice.fit.family_card import Card
from cimspice.sram.model.bit_line import BitLines
from cimspice.sram.model.build import BitLineFit
from cimspice.sram.model.card import BIT_LINE, CELL_CURRENT


def discharge_band(
    fit: BitLineFit, card: Card, emulate: Callable[[BitLines], Array], *, seed: int = 0, count: int = DRAWS
) -> Band:
    """The band of discharges of a fitted column.

    Parameters
    ----------
    fit, card
        Of the column.
    emulate
        Discharge (V) under a model, of any shape.
    seed, count
        Of the draws, and how many.

    Returns
    -------
    The band. What the training reads leave open of the bit lines' own numbers is counted, and the noise of
    currents that were measured several times.
    """
    rng, noise = np.random.default_rng(seed), fit.noise
    counted = [BIT_LINE]
    deviations = parameter_draws(
        lambda values: emulate(fit.with_fitted(values)), fit.fitted, fit.covariance, fit.freedom, rng, count
    )
    if noise is not None:
        tables = fit.model.currents

        def measured(share: Array) -> Array:
            factor = 1 + np.interp(tables.voltage, noise.voltage, share)
            return emulate(replace(fit.model, currents=replace(tables, zero=tables.zero * factor[:, None])))

        known = [(noise.deviation, noise.degrees_of_freedom)]
        deviations = deviations + table_draws(measured, known, rng, count)
        counted.append(CELL_CURRENT)
    left = {name: card.uncounted(name) for name in card.parts if name not in counted}
    return Band(emulate(fit.model), deviations, tuple(counted), left)
