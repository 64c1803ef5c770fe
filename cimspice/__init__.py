"""cimspice: circuit-level SPICE co-simulation for compute-in-memory."""

from typing import TYPE_CHECKING

from cimspice.lazy import lazy

if TYPE_CHECKING:
    from cimspice.campaign.bench_run import run_bench
    from cimspice.campaign.load import load
    from cimspice.campaign.run_waveforms import waveforms
    from cimspice.pdk.conditions import Conditions
    from cimspice.spice.one_call import simulate

    from . import (
        bench,
        campaign,
        converter,
        crossbar,
        errors,
        fit,
        hybrid,
        netlist,
        network,
        neuron,
        pdk,
        rram,
        schedule,
        spice,
        sram,
        training,
    )

__all__ = [
    "Conditions",
    "__version__",
    "bench",
    "campaign",
    "converter",
    "crossbar",
    "errors",
    "fit",
    "hybrid",
    "load",
    "netlist",
    "network",
    "neuron",
    "pdk",
    "rram",
    "run_bench",
    "schedule",
    "simulate",
    "spice",
    "sram",
    "training",
    "waveforms",
]
__version__ = "0.1.0"
__getattr__, __dir__ = lazy(__name__)
