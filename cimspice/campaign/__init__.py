"""Campaigns: sweep a bench over parameters, corners and temperatures; plan, run, store, resume."""

from cimspice.campaign.bench_run import characterise, run_bench
from cimspice.campaign.cluster import Cluster
from cimspice.campaign.export import export
from cimspice.campaign.figure import Figure
from cimspice.campaign.limits import Limit
from cimspice.campaign.monte_carlo import MonteCarlo
from cimspice.campaign.policy import FailurePolicy
from cimspice.campaign.run import Result, run_campaign
from cimspice.campaign.runner import Engine
from cimspice.campaign.specification import (
    Specification,
    parse_specification,
    read_specification,
)
from cimspice.campaign.store import Holding, Store
from cimspice.pdk import Conditions
from cimspice.progress import Progress

__all__ = [
    "Cluster",
    "Conditions",
    "Engine",
    "FailurePolicy",
    "Figure",
    "Holding",
    "Limit",
    "MonteCarlo",
    "Progress",
    "Result",
    "Specification",
    "Store",
    "characterise",
    "export",
    "parse_specification",
    "read_specification",
    "run_bench",
    "run_campaign",
]
