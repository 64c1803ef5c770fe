"""Charge that the edge of a spike pushes onto the membrane through a synapse's selector."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from numpy.polynomial import polynomial
from numpy.typing import ArrayLike

from cimspice.errors import FitError, ParameterError
from cimspice.fit.fit import Fit
from cimspice.fit.least_squares import solve_linear
from cimspice.fit.model import Model, register
from cimspice.fit.noise import Noise
from cimspice.fit.ranges import Ranges
from cimspice.fit.table import INJECTION, TableSchema

# A coefficient known to this fraction of the largest charge is known, even if it may be zero.
_RESOLUTION = 0.01


@register
@dataclass(frozen=True, kw_only=True, eq=False)
class InjectedCharge(Model):
    """q(V_g, V) = Σ_ij coefficients[i,j] g^i u^j in C, positive where it raises the membrane.

    g and u are gate bias and membrane voltage mapped from the range seen to −1…1: ``gate_bias_map`` and
    ``membrane_voltage_map`` hold (centre, half width) in V. One model per ``polarity`` ("n", "p") and
    ``edge`` ("on", "off"). What the edge couples onto the membrane through the parasitic capacitances is part
    of q.
    """

    schema: ClassVar[TableSchema] = INJECTION
    kind: ClassVar[str] = "injected_charge"
    parameter_units: ClassVar[Mapping[str, str]] = {"coefficients": "C"}
    polarity: str
    edge: str
    coefficients: np.ndarray
    gate_bias_map: np.ndarray
    membrane_voltage_map: np.ndarray

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.polarity not in ("n", "p") or self.edge not in ("on", "off"):
            raise ParameterError(
                f"polarity is {self.polarity!r} and edge {self.edge!r}",
                remedy='use polarity "n" or "p", edge "on" or "off"',
            )
        for name in ("gate_bias_map", "membrane_voltage_map"):
            values = getattr(self, name)
            if values.shape != (2,) or values[1] <= 0:
                raise ParameterError(f"{name} is {values}", remedy="give a centre and a positive half width")

    def charge(self, gate_bias: ArrayLike, membrane_voltage: ArrayLike) -> np.ndarray:
        """q in C, broadcast over both arguments."""
        self._check(gate_bias=gate_bias, membrane_voltage=membrane_voltage)
        return polynomial.polyval2d(*self._coordinates(gate_bias, membrane_voltage), self.coefficients)

    def gradient(self, gate_bias: ArrayLike, membrane_voltage: ArrayLike) -> np.ndarray:
        """∂q/∂parameter, (parameters, ...), in the order of :meth:`parameters`."""
        degrees = [size - 1 for size in self.coefficients.shape]
        return np.moveaxis(
            polynomial.polyvander2d(*self._coordinates(gate_bias, membrane_voltage), degrees), -1, 0
        )

    def _coordinates(
        self, gate_bias: ArrayLike, membrane_voltage: ArrayLike
    ) -> tuple[np.ndarray, np.ndarray]:
        (bias, half_bias), (voltage, half_voltage) = self.gate_bias_map, self.membrane_voltage_map
        g, u = np.broadcast_arrays(
            (np.asarray(gate_bias, dtype=float) - bias) / half_bias,
            (np.asarray(membrane_voltage, dtype=float) - voltage) / half_voltage,
        )
        return g, u

    @classmethod
    def fit(
        cls,
        table: pd.DataFrame,
        *,
        polarity: str,
        edge: str,
        corner: str | None = None,
        temperature: float | None = None,
        gate_bias_degree: int = 2,
        membrane_voltage_degree: int = 2,
    ) -> Fit[InjectedCharge]:
        """Fit to an injection table; the full scale is the largest charge.

        Raises
        ------
        FitError
            A degree that the number of different gate biases or membrane voltages cannot support.
        """
        rows = INJECTION.rows(table, polarity=polarity, edge=edge, corner=corner, temperature=temperature)
        bias, voltage = rows["gate_bias"].to_numpy(), rows["membrane_voltage"].to_numpy()
        charge = rows["charge"].to_numpy()
        degrees = (gate_bias_degree, membrane_voltage_degree)
        swept = {"gate bias": bias, "membrane voltage": voltage}
        for (name, values), degree in zip(swept.items(), degrees, strict=True):
            if np.unique(values).size <= degree:
                raise FitError(
                    f"{np.unique(values).size} values of {name} cannot carry a polynomial of degree {degree}",
                    remedy="sweep it in more steps, or fit a lower degree",
                )
        model = cls(
            polarity=polarity,
            edge=edge,
            coefficients=np.zeros((degrees[0] + 1, degrees[1] + 1)),
            gate_bias_map=_map(bias),
            membrane_voltage_map=_map(voltage),
        )
        largest = float(np.max(np.abs(charge)))
        names = tuple(model.parameters())
        solution = solve_linear(
            model.gradient(bias, voltage).T,
            charge,
            names=names,
            resolution=dict.fromkeys(names, _RESOLUTION * largest),
            noise=Noise.of(rows, "charge"),
        )
        model = cls(
            polarity=polarity,
            edge=edge,
            coefficients=solution.values.reshape(model.coefficients.shape),
            gate_bias_map=model.gate_bias_map,
            membrane_voltage_map=model.membrane_voltage_map,
            ranges=Ranges.seen(
                {"gate_bias": "V", "membrane_voltage": "V"}, gate_bias=bias, membrane_voltage=voltage
            ),
        )
        return Fit.assemble(
            model, solution, full_scale=largest, full_scale_name="largest charge", unit="C", table=table
        )


def _map(values: np.ndarray) -> np.ndarray:
    half = (values.max() - values.min()) / 2
    return np.array([(values.max() + values.min()) / 2, half if half > 0 else 1.0])
