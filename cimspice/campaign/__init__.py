"""Campaigns: sweep a bench over parameters, corners and temperatures; plan, run, store, resume."""

from cimspice.campaign.run import Progress, Result, characterise, run_campaign
from cimspice.campaign.specification import (
    Figure,
    Specification,
    parse_specification,
    read_specification,
)
from cimspice.campaign.store import Store

__all__ = [
    "Figure",
    "Progress",
    "Result",
    "Specification",
    "Store",
    "characterise",
    "parse_specification",
    "read_specification",
    "run_campaign",
]
