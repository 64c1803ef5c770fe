"""Netlists of any words: every reader passes them or refuses them with a typed error."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cimspice.errors import CimspiceError
from cimspice.pdk.instances import instance_paths
from cimspice.spice.lint import as_ngspice_reads, check_netlist, computed_resistors
from cimspice.spice.topology import loose_nodes

LETTERS = (
    "r1 x1 xm v1 b1 e1 c1 k1 m1 a 0 b s 1k = { } ' ( ) , 1O . - + * w= w=1 m=2 {a*2} 'b' v(a) sin( 1e-400"
)
CARDS = ".subckt .ends .param .model .func .ic .global 1e999 l=0.15 sky130_fd_pr__nfet_01v8"
WORDS = [*LETTERS.split(), *CARDS.split(), "\n", "\n", "\n", "\n+"]
READERS = {
    "lint": lambda text: check_netlist(text, ""),
    "bare values": lambda text: as_ngspice_reads(text, ""),
    "computed resistors": computed_resistors,
    "loose nodes": lambda text: loose_nodes(tuple(filter(str.strip, text.splitlines())), charged=True),
    "transistors": instance_paths,
}


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=150)
@given(words=st.lists(st.sampled_from(WORDS), max_size=25))
def test_a_netlist_of_any_words_is_read_or_refused(name, words):
    text = "* title\n" + " ".join(words).replace("\n ", "\n")
    with contextlib.suppress(CimspiceError):
        READERS[name](text)
