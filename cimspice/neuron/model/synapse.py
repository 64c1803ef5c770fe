"""The reversal-potential synapse: its current falls linearly as the membrane nears the reversal potential."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import ClassVar, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cimspice.errors import ParameterError
from cimspice.fit.curves import (
    RESET_VOLTAGE,
    VOLTAGE_SCALE,
    CurveSelection,
    displacement,
    fit_shared_shape,
    synapse_curves,
)
from cimspice.fit.fit import Fit
from cimspice.fit.model import Model, register
from cimspice.fit.ranges import Ranges
from cimspice.fit.table import SYNAPSE, TableSchema

SynapseT = TypeVar("SynapseT", bound="Synapse")


@dataclass(frozen=True, kw_only=True, eq=False)
class Synapse(Model):
    """A synapse whose current is I0 at the reset voltage V0 and depends on the membrane voltage V.

    Settings: ``polarity`` ("n" discharges the membrane, "p" charges it), ``reset_voltage`` V0 and
    ``voltage_scale`` V_th in V, with the normalised membrane potential v = −(V − V0)/V_th (arXiv 2412.09010).
    All currents are magnitudes in A.
    """

    schema: ClassVar[TableSchema] = SYNAPSE
    polarity: str
    reset_voltage: float = RESET_VOLTAGE
    voltage_scale: float = VOLTAGE_SCALE

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.polarity not in ("n", "p"):
            raise ParameterError(
                f"polarity is {self.polarity!r}", remedy='use "n" (discharges) or "p" (charges)'
            )
        if self.voltage_scale <= 0:
            raise ParameterError(f"voltage_scale is {self.voltage_scale} V", remedy="give a positive voltage")

    def displacement(self, membrane_voltage: ArrayLike) -> np.ndarray:
        """V − V0 for n, V0 − V for p, in V: positive where the current is larger than at reset."""
        return displacement(self.polarity, np.asarray(membrane_voltage, dtype=float), self.reset_voltage)

    @abstractmethod
    def shape(self, current_at_reset: ArrayLike, membrane_voltage: ArrayLike) -> np.ndarray:
        """I(V)/I0, broadcast over both arguments."""

    @abstractmethod
    def shape_gradient(self, current_at_reset: ArrayLike, membrane_voltage: ArrayLike) -> np.ndarray:
        """∂(I/I0)/∂parameter, (parameters, ...), in the order of :meth:`parameters`."""

    @abstractmethod
    def shape_slope(self, current_at_reset: ArrayLike, membrane_voltage: ArrayLike) -> np.ndarray:
        """∂(I/I0)/∂V in 1/V at fixed I0."""

    def current(self, current_at_reset: ArrayLike, membrane_voltage: ArrayLike) -> np.ndarray:
        """I(V) in A of a synapse with the current I0 at reset, broadcast over both arguments."""
        self._check(current_at_reset=current_at_reset, membrane_voltage=membrane_voltage)
        return np.asarray(current_at_reset, dtype=float) * self.shape(current_at_reset, membrane_voltage)

    def gradient(self, current_at_reset: ArrayLike, membrane_voltage: ArrayLike) -> np.ndarray:
        """∂I/∂parameter, (parameters, ...), in the order of :meth:`parameters`."""
        return np.asarray(current_at_reset, dtype=float) * self.shape_gradient(
            current_at_reset, membrane_voltage
        )

    def conductance(self, current_at_reset: ArrayLike, membrane_voltage: ArrayLike) -> np.ndarray:
        """∂I/∂V in S at fixed I0."""
        return np.asarray(current_at_reset, dtype=float) * self.shape_slope(
            current_at_reset, membrane_voltage
        )

    def reversal_potential(
        self, current_at_reset: ArrayLike, membrane_voltage: ArrayLike | None = None
    ) -> np.ndarray:
        """Normalised E with I = I0 (1 − v/E); positive for n, negative for p.

        Without a membrane voltage, of the tangent at reset; with one, of the chord from reset to there.
        """
        if membrane_voltage is None:
            slope = self.shape_slope(current_at_reset, self.reset_voltage)
            return 1 / (self.voltage_scale * slope)
        voltage = np.asarray(membrane_voltage, dtype=float)
        change = voltage - self.reset_voltage
        near = np.abs(change) < 1e-9
        chord = (self.shape(current_at_reset, voltage) - 1) / np.where(near, 1.0, change)
        slope = np.where(near, self.shape_slope(current_at_reset, self.reset_voltage), chord)
        return 1 / (self.voltage_scale * slope)


def fit_synapse(
    build: Callable[..., SynapseT],
    table: pd.DataFrame,
    selection: CurveSelection,
    terms: Callable[[np.ndarray, np.ndarray], np.ndarray],
    names: Sequence[str],
    resolution: float = 0.0,
) -> Fit[SynapseT]:
    """Fit a synapse model to the selected curves; the full scale is each curve's own current at reset.

    ``build(values, polarity=..., reset_voltage=..., voltage_scale=..., ranges=...)`` makes the model from the
    fitted coefficients; ``terms``, ``names`` and ``resolution`` are those of
    :func:`cimspice.fit.curves.fit_shared_shape`.
    """
    curves = synapse_curves(table, selection)
    shape = fit_shared_shape(curves, terms, names, resolution)
    sign = 1.0 if selection.polarity == "n" else -1.0
    voltages = selection.reset_voltage + sign * np.concatenate([curve.displacement for curve in curves])
    model = build(
        shape.solution.values,
        polarity=selection.polarity,
        reset_voltage=selection.reset_voltage,
        voltage_scale=selection.voltage_scale,
        ranges=Ranges.seen(
            {"current_at_reset": "A", "membrane_voltage": "V"},
            current_at_reset=shape.currents,
            membrane_voltage=voltages,
        ),
    )
    return Fit.assemble(
        model,
        shape.solution,
        residuals=shape.absolute,
        full_scale=np.repeat(shape.currents, [curve.current.size for curve in curves]),
        full_scale_name="current at reset",
        unit="A",
        table=table,
        provenance={
            **{name: value for name, value in asdict(selection).items() if value is not None},
            "gate_biases": [curve.gate_bias for curve in curves],
            "currents_at_reset": shape.currents.tolist(),
        },
    )


@register
@dataclass(frozen=True, kw_only=True, eq=False)
class ReversalSynapse(Synapse):
    """The paper's synapse: I = I0 (1 + λ d), with d = V − V0 for n and V0 − V for p, λ the same for all I0.

    In normalised terms I = I0 (1 − v/E) with E = 1/(λ V_th) for n and −1/(λ V_th) for p.
    """

    kind: ClassVar[str] = "reversal_synapse"
    parameter_units: ClassVar[Mapping[str, str]] = {"reversal_coefficient": "1/V"}
    reversal_coefficient: float

    def shape(self, current_at_reset: ArrayLike, membrane_voltage: ArrayLike) -> np.ndarray:
        return 1 + self.reversal_coefficient * self._broadcast(current_at_reset, membrane_voltage)

    def shape_gradient(self, current_at_reset: ArrayLike, membrane_voltage: ArrayLike) -> np.ndarray:
        return self._broadcast(current_at_reset, membrane_voltage)[None]

    def shape_slope(self, current_at_reset: ArrayLike, membrane_voltage: ArrayLike) -> np.ndarray:
        sign = 1.0 if self.polarity == "n" else -1.0
        return np.full_like(
            self._broadcast(current_at_reset, membrane_voltage), sign * self.reversal_coefficient
        )

    def _broadcast(self, current_at_reset: ArrayLike, membrane_voltage: ArrayLike) -> np.ndarray:
        return np.broadcast_arrays(
            self.displacement(membrane_voltage), np.asarray(current_at_reset, dtype=float)
        )[0]

    @classmethod
    def fit(cls, table: pd.DataFrame, selection: CurveSelection) -> Fit[ReversalSynapse]:
        """Fit λ to a synapse table: straight lines about V0, a free I0 per gate bias, one λ for all.

        The paper quotes λ at one current: ``CurveSelection(polarity, near_current=122e-9)``.
        """
        return fit_synapse(
            lambda values, **settings: cls(reversal_coefficient=float(values[0]), **settings),
            table,
            selection,
            lambda moved, current: moved[:, None],
            ["reversal_coefficient"],
        )
