"""Resistive memories: device models, read and switching laws, spread, programming."""

from cimspice.rram.model.access import AccessTransistor
from cimspice.rram.model.access_tabulated import TabulatedAccess
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
from cimspice.rram.model.yakopcic import Yakopcic

__all__ = [
    "AccessTransistor",
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
    "WritePulse",
    "WriteRecord",
    "WriteResult",
    "WriteScheme",
    "Yakopcic",
    "apply_pulse",
    "pristine_state",
    "voltage_across",
    "write_verify",
]
