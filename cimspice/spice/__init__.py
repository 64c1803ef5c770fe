"""Simulation: analyses, waveforms; ngspice as a session that stays loaded, a batch run, a pool of workers."""

from cimspice.spice.analysis import Analysis, Dc, Op, Sweep, Tran
from cimspice.spice.batch import simulate_batch
from cimspice.spice.features import engine_features
from cimspice.spice.frequency import Ac, Noise
from cimspice.spice.in_process import InProcess
from cimspice.spice.one_call import simulate
from cimspice.spice.options import SolverOptions
from cimspice.spice.pool import Pool
from cimspice.spice.session import Session
from cimspice.spice.statistics import PoolStatistics, Statistics
from cimspice.spice.waveforms import Waveforms

__all__ = [
    "Ac",
    "Analysis",
    "Dc",
    "InProcess",
    "Noise",
    "Op",
    "Pool",
    "PoolStatistics",
    "Session",
    "SolverOptions",
    "Statistics",
    "Sweep",
    "Tran",
    "Waveforms",
    "engine_features",
    "simulate",
    "simulate_batch",
]
