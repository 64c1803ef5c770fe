"""What a bench's own methods give. A fault in them, the user's code, is reported with its file and line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import pandas as pd

from cimspice.bench.bench import Bench
from cimspice.errors import CimspiceError, SimulationError
from cimspice.netlist import Netlist, NetlistParameters
from cimspice.own_code import line_of
from cimspice.spice import Analysis, SolverOptions

if TYPE_CHECKING:
    from cimspice.spice import Waveforms

_Result = TypeVar("_Result")


def netlist_of(bench: Bench, parameters: NetlistParameters) -> Netlist:
    """The bench's circuit. SimulationError, from this and the others, if the bench's code fails."""
    return _called(bench, "netlist", "the netlist", Netlist, parameters)


def analysis_of(bench: Bench, parameters: NetlistParameters) -> Analysis:
    """The bench's analysis."""
    return _called(bench, "analysis", "the choice of analysis", Analysis, parameters)


def options_of(bench: Bench, parameters: NetlistParameters) -> SolverOptions:
    """The bench's solver options."""
    return _called(bench, "options", "the choice of solver options", SolverOptions, parameters)


def measured(bench: Bench, parameters: NetlistParameters, waveforms: Waveforms) -> pd.DataFrame:
    """What the bench measures."""
    return _called(bench, "measure", "the measurement", pd.DataFrame, parameters, waveforms)


def _called(bench: Bench, method: str, what: str, kind: type[_Result], *arguments: Any) -> _Result:
    try:
        result = getattr(bench, method)(*arguments)
    except CimspiceError:
        raise
    except (Exception, SystemExit) as error:  # its fault is the point's, not the campaign's
        raise SimulationError(
            f"{what} failed: {type(error).__name__}: {error}",
            place=f"bench {bench.name}, {line_of(error)}",
            remedy=f"correct the bench's {method}",
        ) from error
    if not isinstance(result, kind):
        raise SimulationError(
            f"{what} gave a {type(result).__name__}, not a {kind.__name__}",
            place=f"bench {bench.name}",
            remedy=f"return a {kind.__name__} from the bench's {method}",
        )
    return result
