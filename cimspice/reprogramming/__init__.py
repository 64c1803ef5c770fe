"""Networks programmed onto bit-sliced memristive crossbars: plans, writes, wear, life."""

from cimspice.reprogramming.architectures import Architecture, Matrix, resnet50, vit_base
from cimspice.reprogramming.comparison import compare, compared_plans
from cimspice.reprogramming.life import Life, life
from cimspice.reprogramming.memory import bytes_needed, check_memory
from cimspice.reprogramming.networks import Layer, Network, built_in, digits_network, shaped_network
from cimspice.reprogramming.plan import Plan
from cimspice.reprogramming.program import LayerResult, Programmed, program
from cimspice.reprogramming.summary import summary
from cimspice.reprogramming.sweep import front, gains, sweep, sweep_plans
from cimspice.reprogramming.weight_files import network_from_file

__all__ = [
    "Architecture",
    "Layer",
    "LayerResult",
    "Life",
    "Matrix",
    "Network",
    "Plan",
    "Programmed",
    "built_in",
    "bytes_needed",
    "check_memory",
    "compare",
    "compared_plans",
    "digits_network",
    "front",
    "gains",
    "life",
    "network_from_file",
    "program",
    "resnet50",
    "shaped_network",
    "summary",
    "sweep",
    "sweep_plans",
    "vit_base",
]
