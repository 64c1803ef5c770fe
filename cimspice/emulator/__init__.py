"""Behavioural emulation of compute-in-memory circuits, in numpy.

Tiles, SRAM arrays and their learning are in modules of their own: they import the fitted models.
"""

from cimspice.emulator.crossbar import Crossbar, CrossbarTooLarge, NonlinearCrossbar, SinhCell
from cimspice.emulator.dstd import Discretisation
from cimspice.emulator.layer import SpikingLayer
from cimspice.emulator.network import NetworkTrace, SpikingNetwork
from cimspice.emulator.ramp import Ramp

__all__ = [
    "Crossbar",
    "CrossbarTooLarge",
    "Discretisation",
    "NetworkTrace",
    "NonlinearCrossbar",
    "Ramp",
    "SinhCell",
    "SpikingLayer",
    "SpikingNetwork",
]
