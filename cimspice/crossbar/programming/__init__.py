"""Networks programmed onto bit-sliced memristive crossbars: plans, writes, wear, life."""

from cimspice.crossbar.programming.architectures import Architecture, Matrix, resnet50, vit_base
from cimspice.crossbar.programming.comparison import compare, compared_plans
from cimspice.crossbar.programming.life import Life, life
from cimspice.crossbar.programming.memory import bytes_needed, check_memory
from cimspice.crossbar.programming.networks import (
    Layer,
    Network,
    named_network,
    shaped_network,
    trained_network,
)
from cimspice.crossbar.programming.plan import Plan
from cimspice.crossbar.programming.program import LayerResult, Programmed, program
from cimspice.crossbar.programming.summary import summary
from cimspice.crossbar.programming.sweep import front, gains, sweep, sweep_plans

__all__ = [
    "Architecture",
    "Layer",
    "LayerResult",
    "Life",
    "Matrix",
    "Network",
    "Plan",
    "Programmed",
    "bytes_needed",
    "check_memory",
    "compare",
    "compared_plans",
    "front",
    "gains",
    "life",
    "named_network",
    "program",
    "resnet50",
    "shaped_network",
    "summary",
    "sweep",
    "sweep_plans",
    "trained_network",
    "vit_base",
]
