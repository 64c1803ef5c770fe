"""Solver options as a frozen value: only what is set is written; the rest stays at ngspice's default."""

import math
from dataclasses import dataclass, fields

from cimspice.errors import ParameterError
from cimspice.spice.analysis import number


@dataclass(frozen=True)
class SolverOptions:
    """Tolerances and methods (ngspice manual, chapter 15.1). ``None`` leaves ngspice's default."""

    reltol: float | None = None
    abstol: float | None = None
    vntol: float | None = None
    chgtol: float | None = None
    """``reltol``, ``abstol``, ``vntol``, ``chgtol``: relative tolerance (1), and absolute ones for current
    (A), voltage (V) and charge (C)."""
    trtol: float | None = None
    """Factor by which the truncation error is thought to be overestimated (1)."""
    gmin: float | None = None
    gminsteps: int | None = None
    itl1: int | None = None
    itl2: int | None = None
    itl4: int | None = None
    """``gmin``, ``gminsteps``, ``itl1``, ``itl2``, ``itl4``: minimum conductance (S), steps of gmin stepping,
    limits of iterations: operating point, dc, time point."""
    rshunt: float | None = None
    cshunt: float | None = None
    """``rshunt``, ``cshunt``: resistance (ohm) and capacitance (F) from every node to ground."""
    method: str | None = None
    maxord: int | None = None
    xmu: float | None = None
    """``method``, ``maxord``, ``xmu``: integration: "trap" or "gear", its highest order (2-6), damping of the
    trapezoidal rule (0-0.5)."""
    pivtol: float | None = None
    pivrel: float | None = None
    """``pivtol``, ``pivrel``: pivot tolerances of the matrix factorisation."""
    tnom: float | None = None
    """Temperature at which device models were extracted (degrees Celsius)."""
    klu: bool | None = None
    """Factorise the matrix with KLU, for large meshes. ngspice before 42, or built without it, does not read
    this option and takes its own solver (``cimspice doctor`` says which one is installed)."""

    def __post_init__(self) -> None:
        if self.method not in (None, "trap", "gear"):
            raise ParameterError(
                f"method {self.method!r} is unknown", place="method", remedy="use 'trap' or 'gear'"
            )
        if self.maxord is not None and not 1 <= self.maxord <= 6:
            raise ParameterError(f"maxord = {self.maxord} is out of 1-6", place="maxord", remedy="usually 2")
        for name, value in self.given.items():
            signed = name == "tnom"
            if isinstance(value, int | float) and not (math.isfinite(value) and (signed or value >= 0)):
                raise ParameterError(f"{name} = {value!r} is not a finite number >= 0", place=name)

    @property
    def given(self) -> dict[str, float | int | str]:
        """The options that are set, name -> value."""
        every = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        return {name: value for name, value in every.items() if value is not None}

    @property
    def card(self) -> str:
        """The ``.options`` line, or nothing if no option is set."""
        words = [_word(name, value) for name, value in self.given.items() if value is not False]
        return f".options {' '.join(words)}" if words else ""


def _word(name: str, value: float | str) -> str:
    if value is True:
        return name
    return f"{name}={number(value) if isinstance(value, float) else value}"
