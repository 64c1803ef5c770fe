"""Simulation: analyses, waveforms, and ngspice as a session that stays loaded, as a batch run, as a pool of workers."""

from cimspice.spice.analysis import Ac, Analysis, Dc, Noise, Op, Sweep, Tran
from cimspice.spice.options import SolverOptions
from cimspice.spice.session import Session, Statistics, simulate
from cimspice.spice.waveforms import Waveforms

__all__ = [
    "Ac",
    "Analysis",
    "Dc",
    "Noise",
    "Op",
    "Session",
    "SolverOptions",
    "Statistics",
    "Sweep",
    "Tran",
    "Waveforms",
    "simulate",
]
