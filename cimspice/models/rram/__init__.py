"""Resistive memories: device models, read and switching laws, spread, programming."""

from cimspice.models.rram.access import AccessTransistor
from cimspice.models.rram.cell import RramCell, WritePulse, WriteResult
from cimspice.models.rram.device import RramDevice
from cimspice.models.rram.memdiode import Memdiode
from cimspice.models.rram.programming import SetResponse, WriteRecord, WriteScheme, write_verify
from cimspice.models.rram.skywater import SkywaterReram
from cimspice.models.rram.stanford_pku import StanfordPku
from cimspice.models.rram.vteam import Vteam
from cimspice.models.rram.yakopcic import Yakopcic

__all__ = [
    "AccessTransistor",
    "Memdiode",
    "RramCell",
    "RramDevice",
    "SetResponse",
    "SkywaterReram",
    "StanfordPku",
    "Vteam",
    "WritePulse",
    "WriteRecord",
    "WriteResult",
    "WriteScheme",
    "Yakopcic",
    "write_verify",
]
