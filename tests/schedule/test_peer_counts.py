"""Crossbars and matrix-vector products of each layer as PIMCOMP-NN counts them.

Numbers are those that its backend (github.com/sunxt99/PIMCOMP-NN, Apache-2.0) wrote for its own model files
with ``xbar_size`` 256 x 256 (``-r=balance -p=batch -i=YES``), of one copy: crossbars of the array groups, and
input cycles.
"""

from __future__ import annotations

import json

import pytest

from cimspice.cli.app import run

VGG16 = [
    (1, 50176), (3, 50176), (3, 12544), (5, 12544), (5, 3136), (9, 3136), (9, 3136), (18, 784), (36, 784),
    (36, 784), (36, 196), (36, 196), (36, 196), (1568, 1), (256, 1), (64, 1),
]  # fmt: skip
RESNET50 = [
    (1, 12544),
    *[(1, 3136), (3, 3136), (1, 3136), (1, 3136)], *2 * [(1, 3136), (3, 3136), (1, 3136)],
    *[(1, 784), (5, 784), (2, 784), (2, 784)], *3 * [(2, 784), (5, 784), (2, 784)],
    *[(2, 196), (9, 196), (4, 196), (8, 196)], *5 * [(4, 196), (9, 196), (4, 196)],
    *[(8, 49), (36, 49), (16, 49), (32, 49)], *2 * [(16, 49), (36, 49), (16, 49)],
    (32, 1),
]  # fmt: skip


@pytest.mark.parametrize(("network", "counts"), [("vgg16", VGG16), ("resnet50", RESNET50)])
def test_crossbars_and_products_of_each_layer_are_those_of_pimcomp(network, counts, capsys):
    assert run(["schedule", network, "--dense", "include", "--table", "--json"]) == 0
    layers = json.loads(capsys.readouterr().out)["layers"]
    assert [(one["pes"], one["pixels"]) for one in layers if one["pes"]] == counts
