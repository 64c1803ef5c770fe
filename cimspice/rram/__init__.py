"""Resistive memories: device models, read and switching laws, spread, programming."""

from typing import TYPE_CHECKING

from cimspice.lazy import lazy

if TYPE_CHECKING:
    from cimspice.rram.family import card, characterise, check, map, measured, validate
    from cimspice.rram.model.access import AccessTransistor
    from cimspice.rram.model.access_tabulated import TabulatedAccess
    from cimspice.rram.model.card import cell_of
    from cimspice.rram.model.cell import RramCell, WritePulse, WriteResult
    from cimspice.rram.model.device import RramDevice
    from cimspice.rram.model.forming import pristine_state
    from cimspice.rram.model.memdiode import Memdiode
    from cimspice.rram.model.programming import SetResponse, WriteRecord, WriteScheme, write_verify
    from cimspice.rram.model.pulse import apply_pulse, voltage_across
    from cimspice.rram.model.read import LinearRead, QuadraticRead, ReadLaw, SinhRead
    from cimspice.rram.model.skywater import SkywaterReram
    from cimspice.rram.model.stanford_pku import StanfordPku
    from cimspice.rram.model.switching import SwitchingLaw
    from cimspice.rram.model.variability import RramVariability
    from cimspice.rram.model.vteam import Vteam
    from cimspice.rram.model.write_cost import WriteCost
    from cimspice.rram.model.yakopcic import Yakopcic
    from cimspice.rram.validation.cell import CircuitCell, fit_cell, simulated_write_cost

__all__ = [
    "AccessTransistor",
    "CircuitCell",
    "LinearRead",
    "Memdiode",
    "QuadraticRead",
    "ReadLaw",
    "RramCell",
    "RramDevice",
    "RramVariability",
    "SetResponse",
    "SinhRead",
    "SkywaterReram",
    "StanfordPku",
    "SwitchingLaw",
    "TabulatedAccess",
    "Vteam",
    "WriteCost",
    "WritePulse",
    "WriteRecord",
    "WriteResult",
    "WriteScheme",
    "Yakopcic",
    "apply_pulse",
    "card",
    "cell_of",
    "characterise",
    "check",
    "fit_cell",
    "map",
    "measured",
    "pristine_state",
    "simulated_write_cost",
    "validate",
    "voltage_across",
    "write_verify",
]
__getattr__, __dir__ = lazy(__name__)
