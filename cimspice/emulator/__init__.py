"""Behavioural emulation of compute-in-memory layers, in numpy."""

from cimspice.emulator.dstd import Discretisation
from cimspice.emulator.layer import SpikingLayer
from cimspice.emulator.network import NetworkTrace, SpikingNetwork
from cimspice.emulator.ramp import Ramp

__all__ = ["Discretisation", "NetworkTrace", "Ramp", "SpikingLayer", "SpikingNetwork"]
