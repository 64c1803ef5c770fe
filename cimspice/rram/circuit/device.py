"""What every bench of a resistive memory says of the device: the model, and which of its numbers differ."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, computed_field, model_validator

from cimspice.netlist import Name, NetlistParameters, quantity
from cimspice.rram.model.parameter_sets import parameter_set
from cimspice.spice import SolverOptions

RramModel = Literal["skywater", "stanford_pku", "vteam", "yakopcic", "memdiode"]

ACCURATE = SolverOptions(method="gear", reltol=1e-6, trtol=1.0)
"""States to 1e-5. Trapezoidal integration overshoots where a state meets its end."""


class RramParameters(NetlistParameters):
    """A resistive memory with its published numbers; ``changes`` replaces some of them.

    Raises
    ------
    ParameterError
        For an unknown model or parameter, and for a value out of the bounds of ``pdk/rram/<model>.toml``; for
        states below 0 (pristine cells) of a model that has none.
    """

    model: RramModel = "skywater"
    changes: Mapping[Name, float] = Field(default_factory=dict, description="parameter of the model -> value")

    @model_validator(mode="after")
    def _numbers_known(self) -> Self:
        parameter_set("rram", self.model).values(self.changes)
        return self

    @model_validator(mode="after")
    def _states_known(self) -> Self:
        known = parameter_set("rram", self.model).ranges.get("state")
        lowest = known.low if known else 0.0
        for name in type(self).model_fields:
            if name.endswith(("state", "states")) and _smallest(getattr(self, name)) < lowest:
                raise ValueError(
                    f"{name} falls below {lowest:g}, where the equations of {self.model} end"
                    + ("" if lowest else " (it knows no pristine cells)")
                )
        return self

    @computed_field
    @property
    def device(self) -> dict[str, Any]:
        """What the subcircuit's template needs: ``model`` and all ``values``."""
        return {"model": self.model, "values": parameter_set("rram", self.model).values(self.changes)}


def _smallest(states: float | tuple[tuple[float, ...], ...]) -> float:
    """Of one state, or of rows that need not be of one length."""
    return min(map(min, states), default=0.0) if isinstance(states, tuple) else states


State = Annotated[
    float,
    quantity(
        "1", ge=-1, le=1, description="0 most resistive, 1 most conductive; below 0 pristine, not formed"
    ),
]
ReadVoltage = Annotated[float, quantity("V", gt=0, le=1, description="voltage at which conductance is read")]
SeriesResistance = Annotated[
    float, quantity("ohm", ge=0, le=1e9, description="between source and device; limits the SET current")
]
