"""Resistive memories: device models, read and switching laws, spread, programming."""

from cimspice.models.rram.access import AccessTransistor
from cimspice.models.rram.access_tabulated import TabulatedAccess
from cimspice.models.rram.cell import RramCell, WritePulse, WriteResult
from cimspice.models.rram.device import RramDevice
from cimspice.models.rram.forming import pristine_state
from cimspice.models.rram.memdiode import Memdiode
from cimspice.models.rram.programming import SetResponse, WriteRecord, WriteScheme, write_verify
from cimspice.models.rram.pulse import apply_pulse, voltage_across
from cimspice.models.rram.read import LinearRead, QuadraticRead, ReadLaw, SinhRead
from cimspice.models.rram.skywater import SkywaterReram
from cimspice.models.rram.stanford_pku import StanfordPku
from cimspice.models.rram.switching import SwitchingLaw
from cimspice.models.rram.variability import RramVariability
from cimspice.models.rram.vteam import Vteam
from cimspice.models.rram.yakopcic import Yakopcic

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
