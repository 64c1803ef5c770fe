"""Netlists: typed parameters and sandboxed templates become checked SPICE text."""

from cimspice.netlist.include import allow_includes
from cimspice.netlist.netlist import Netlist
from cimspice.netlist.numbers import micrometres, number_text
from cimspice.netlist.parameters import Name, NetlistParameters, quantity
from cimspice.netlist.template import Template, render

__all__ = [
    "Name",
    "Netlist",
    "NetlistParameters",
    "Template",
    "allow_includes",
    "micrometres",
    "number_text",
    "quantity",
    "render",
]
