"""What a unit weight and a unit input give at a layer's converter: the scale that digital parts count in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cimspice.sram.emulator.layer_design import LayerDesign

Array = np.ndarray


@dataclass(frozen=True)
class LayerScale:
    """Of one layer, nominal.

    Attributes
    ----------
    sum_steps
        Converter steps of an output whose Σ_c w_c x_c is 1, weights from −1 to 1 and inputs from 0 to 1.
    error_steps
        Converter steps of a transposed read whose Σ_g e_g w_g is 1, errors from −1 to 1 (the largest).
    """

    sum_steps: float
    error_steps: float


def layer_scale(design: LayerDesign, columns: int) -> LayerScale:
    """Read a nominal word of all ones, forwards at the largest input and transposed at the largest error."""
    form, periphery = design.form, design.periphery
    bits = np.ones(form.slice_bits, int)
    positions = (np.arange(form.slice_bits) + 0.5) / design.array_rows
    forward, backward = (
        design.read(codes, bits, positions=positions).discharge
        for codes in (design.pulses[0], design.pulses[-1])
    )
    largest = 2**periphery.multiplier.bits - 1
    product = periphery.multiplier(forward - design.line_rise, np.array(largest))
    rails = periphery.sharing(np.repeat(product[:, None], columns, axis=1))
    whole = form.weights.sum() / form.weights[-1]  # a word of ones, all its slices
    step = periphery.converter.step
    return LayerScale(
        sum_steps=float(rails[1] - rails[0]) * whole / step / columns,
        error_steps=periphery.line_sampling.attenuation * float(backward[1] - backward[0]) * whole / step,
    )
