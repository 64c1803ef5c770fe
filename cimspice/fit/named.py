"""Fit a model that is asked for by name to a table: which columns it needs, which conditions and options."""

import inspect
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from typing import Any

import pandas as pd

from cimspice.errors import ParameterError
from cimspice.families import import_room
from cimspice.fit.curves import CurveSelection, outside_window, transfer_rows
from cimspice.fit.fit import Fit
from cimspice.fit.minimise import holding
from cimspice.fit.model import Model, registered
from cimspice.fit.table import GATE_LAW, TableSchema

SYNONYMS = {"synapse": "voltage_dependent_synapse", "gate_law": "polynomial_gate_law"}
"""Short names for the model that suits a simulated table best."""

_CONDITIONS = ("corner", "temperature", "order", "polarity", "edge")


@dataclass(frozen=True)
class Recipe:
    """A model that can be fitted to a table."""

    kind: str
    """Its name on model cards."""
    model: type[Model]
    """Its class."""
    schema: TableSchema
    """The columns that its table needs."""
    options: dict[str, Any]
    """What else its fit takes -> default (``inspect.Parameter.empty`` where it must be given)."""

    @property
    def title(self) -> str:
        """One line about the model."""
        return (inspect.getdoc(self.model) or "").split("\n", 1)[0]

    @property
    def by_curves(self) -> bool:
        """Whether the fit takes a selection of curves."""
        return "selection" in inspect.signature(_fit_of(self.model)).parameters

    def fit(
        self,
        table: pd.DataFrame,
        conditions: Mapping[str, Any],
        options: Mapping[str, Any] | None = None,
        *,
        fixed: Mapping[str, float] | None = None,
        weighting: str = "",
    ) -> Fit[Any]:
        """Fit to the rows of a table that stand under some conditions.

        Parameters
        ----------
        table
            As its schema says, in SI units.
        conditions
            Values of ``corner``, ``temperature``, ``order``, ``polarity``, ``edge`` that the rows must have,
            where the table has such a column. One that is not given must have a single value.
        options
            Others of the fit's own arguments, as text or as values.
        fixed
            Parameters that are not fitted -> their values in SI units.
        weighting
            ``absolute`` (the noise is the same everywhere), ``relative`` (it goes with the value) or
            :data:`cimspice.fit.noise.BY_COLUMN`. Empty: the more probable of the first two for a measured
            table, the model's own weights for a simulated one.

        Raises
        ------
        ParameterError
            An option that the fit does not know, lacks, or cannot read.
        TableError, FitError
            As the model's own fit.
        """
        given = self.read_options(options or {})
        if weighting:
            table = table.copy(deep=False)
            table.attrs = {**table.attrs, "weighting": weighting}
        table = self.completed(table, conditions.get("polarity"))
        held = dict(self._held(name, value) for name, value in (fixed or {}).items())
        with holding(held) as met:
            fit = self._fitted(table, conditions, given)
        if weighting and "weighting" not in fit.provenance:
            raise ParameterError(
                f"a {self.kind} weights its rows by itself", place="weighting", remedy="leave it out"
            )
        if missed := set(held) - met:
            raise ParameterError(
                f"{missed.pop()!r} of a {self.kind} cannot be held", place="fixed parameter", remedy="fit it"
            )
        return fit

    def _held(self, name: str, value: float) -> tuple[str, float]:
        """A parameter and its value as the model has them: a logarithm where it is one."""
        logarithm = f"log_{name}"
        if logarithm.partition("[")[0] in self.model.log_units:
            if not value > 0:
                raise ParameterError(
                    f"{name} = {value:g}", place="fixed parameter", remedy="give a positive one"
                )
            return logarithm, math.log(value)
        if name.partition("[")[0] not in self.model.parameter_units:
            raise ParameterError(
                f"{self.kind} has no parameter {name!r}",
                place="fixed parameter",
                remedy=f"it has {', '.join(self.parameters)}",
            )
        return name, value

    @property
    def parameters(self) -> dict[str, str]:
        """What a fit gives -> its unit; an array stands for all of its numbers."""
        logarithms = self.model.log_units
        return {
            name.removeprefix("log_") if name in logarithms else name: logarithms.get(name, unit)
            for name, unit in self.model.parameter_units.items()
        }

    def completed(self, table: pd.DataFrame, polarity: str | None = None) -> pd.DataFrame:
        """The table with what its own values say, where the model has a function ``completed`` for that."""
        complete = getattr(self.model, "completed", None)
        return table if complete is None else complete(table, polarity)

    def _fitted(self, table: pd.DataFrame, conditions: Mapping[str, Any], given: dict[str, Any]) -> Fit[Any]:
        known = {name: value for name, value in conditions.items() if value is not None}
        known |= {name: _single(table, name) for name in ("polarity", "edge") if name not in known}
        known = {name: value for name, value in known.items() if value is not None}
        if self.by_curves:
            of_curves = {field.name for field in fields(CurveSelection)}
            chosen = {name: given.pop(name) for name in list(given) if name in of_curves}
            chosen |= {name: value for name, value in known.items() if name in of_curves}
            # a table of one order is of that one; a selection's default is the paper's
            chosen.setdefault("order", _single(table, "order") if "order" in table else None)
            if "polarity" not in chosen:
                raise self._lacks("polarity", table)
            selection = CurveSelection(**chosen)
            fit = _fit_of(self.model)(table, selection, **given)
            if self.schema is GATE_LAW and transfer_rows(table, selection) is not None:
                return fit
            outside = {"rows_outside_window": outside_window(table, selection)}
            return replace(fit, provenance={**fit.provenance, **outside})
        arguments = {name: value for name, value in known.items() if name in self._arguments} | given
        for name, default in self.options.items():
            if default is inspect.Parameter.empty and name not in arguments:
                raise self._lacks(name, table)
        return _fit_of(self.model)(table, **arguments)

    def read_options(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Options as values.

        Raises
        ------
        ParameterError
            One that the fit does not know, or a text that cannot be read.
        """
        return {name: _value(self, name, value) for name, value in options.items()}

    @property
    def _arguments(self) -> tuple[str, ...]:
        return tuple(inspect.signature(_fit_of(self.model)).parameters)

    def _lacks(self, name: str, table: pd.DataFrame) -> ParameterError:
        values = f": the table has {', '.join(map(str, table[name].unique()[:5]))}" if name in table else ""
        say = f"--where {name}=..." if name in table else f"--option {name}=..."
        return ParameterError(
            f"{self.kind} needs {name!r}{values}", place=f"fit of {self.kind}", remedy=f"say it: {say}"
        )


def recipes() -> dict[str, Recipe]:
    """All registered models that can be fitted to a table, by kind."""
    import_room("model")
    found = {}
    for kind, model in sorted(registered().items()):
        schema = _schema(model)
        if schema is not None and hasattr(model, "fit"):
            found[kind] = Recipe(kind, model, schema, _options(model))
    return found


def recipe(name: str) -> Recipe:
    """The model of this name or short name.

    Raises
    ------
    ParameterError
        If there is none that can be fitted; the message names the nearest and all.
    """
    known = recipes()
    kind = SYNONYMS.get(name, name)
    if kind not in known:
        near = get_close_matches(name, [*known, *SYNONYMS], n=1, cutoff=0.5)
        raise ParameterError(
            f"unknown model {name!r}" + (f", did you mean {near[0]!r}?" if near else ""),
            place="--model",
            remedy=f"models that can be fitted: {', '.join(known)}",
        )
    return known[kind]


def _fit_of(model: type[Model]) -> Any:
    """The model's ``fit``: what a recipe's model has."""
    return getattr(model, "fit")  # noqa: B009 (not every model has one)


def _schema(model: type[Model]) -> TableSchema | None:
    own = getattr(model, "schema", None)
    return own if isinstance(own, TableSchema) else None


def _options(model: type[Model]) -> dict[str, Any]:
    """The fit's own arguments besides table and conditions."""
    parameters = inspect.signature(_fit_of(model)).parameters
    found = {
        name: parameter.default
        for name, parameter in parameters.items()
        if name not in ("table", "selection", "corner", "temperature")
    }
    if "selection" in parameters:
        found |= {
            field.name: field.default for field in fields(CurveSelection) if field.name not in _CONDITIONS
        }
    return found


def _single(table: pd.DataFrame, name: str) -> Any:
    """The one value of a column; None if there is no such column, or several values."""
    if name not in table or table[name].nunique() != 1:
        return None
    return table[name].iloc[0]


def _value(recipe: Recipe, name: str, value: Any) -> Any:
    """An option's value; text is read as what the default is."""
    if name not in recipe.options:
        known = ", ".join(recipe.options) or "none"
        near = get_close_matches(name, recipe.options, n=1)
        raise ParameterError(
            f"{recipe.kind} has no option {name!r}" + (f", did you mean {near[0]!r}?" if near else ""),
            place="--option",
            remedy=f"it has {known}",
        )
    if not isinstance(value, str):
        return value
    default = recipe.options[name]
    try:
        if isinstance(default, tuple):
            return tuple(float(part) for part in value.split(","))
        if isinstance(default, int) and not isinstance(default, bool):
            return int(value)
        if name in ("polarity", "edge"):
            return value
        number = float(value)
        return int(number) if name == "knots" and number.is_integer() else number
    except ValueError:
        raise ParameterError(
            f"{name} = {value!r} is not a number", place="--option", remedy="for example degree=3"
        ) from None
