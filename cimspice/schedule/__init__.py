"""Cross-layer schedules of networks on tiled crossbars: copies, times, buffers, energy, and their proof."""

from typing import TYPE_CHECKING

from cimspice.lazy import lazy

if TYPE_CHECKING:
    from cimspice.schedule.element_card import ElementCard, element_of
    from cimspice.schedule.engine import Layer, Servers, Sets, makespan, run
    from cimspice.schedule.graph import Builder, Graph, Node
    from cimspice.schedule.load import load_graph
    from cimspice.schedule.placement import Elements, least_slowest, least_sum, slowest_first
    from cimspice.schedule.plan import Schedule, Settings
    from cimspice.schedule.replay import Emulation, Replay, check_reads

__all__ = [
    "Builder",
    "ElementCard",
    "Elements",
    "Emulation",
    "Graph",
    "Layer",
    "Node",
    "Replay",
    "Schedule",
    "Servers",
    "Sets",
    "Settings",
    "check_reads",
    "element_of",
    "least_slowest",
    "least_sum",
    "load_graph",
    "makespan",
    "run",
    "slowest_first",
]
__getattr__, __dir__ = lazy(__name__)
