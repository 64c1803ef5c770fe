"""Independent reference for crossbars: dense nodal analysis of the circuit as a list of branches.

Nodes joined by ideal wires become one, open branches are left out, nodes without a path to a terminal are
left out of the equations. No part of it is shared with the solver.
"""

from __future__ import annotations

import numpy as np


def nodal_currents(conductances, word, bit, voltages):
    """Column currents (batch, columns).

    ``word`` (rows, columns + 1) and ``bit`` (rows + 1, columns) are segments in ohms with both terminals of
    every line: drivers at both ends of a word line, 0 V at both ends of a bit line; inf is open, 0 ideal.
    """
    rows, columns = conductances.shape
    drivers = [("drive", i) for i in range(rows)]
    branches = [((f"w{i}", j), (f"b{i}", j), conductances[i, j]) for i in range(rows) for j in range(columns)]

    def wire(a, b, r):
        branches.append((a, b, np.inf if r == 0 else 1 / r))

    for i in range(rows):
        line = [("drive", i), *[(f"w{i}", j) for j in range(columns)], ("drive", i)]
        for k in range(columns + 1):
            wire(line[k], line[k + 1], word[i, k])
    for j in range(columns):
        line = [("sense", j), *[(f"b{i}", j) for i in range(rows)], ("sense", j)]
        for k in range(rows + 1):
            wire(line[k], line[k + 1], bit[k, j])

    merged = _joined([(a, b) for a, b, g in branches if np.isinf(g)])
    live = _joined([(a, b) for a, b, g in branches if g > 0])
    terminals = {*drivers, *(("sense", j) for j in range(columns))}
    fed = {live(t) for t in terminals}
    fixed = {merged(t): t for t in terminals}
    free = sorted({merged(n) for a, b, g in branches for n in (a, b) if live(n) in fed} - set(fixed))
    place = {n: k for k, n in enumerate(free)}
    matrix = np.zeros((len(free), len(free)))
    right = np.zeros((len(free), len(voltages)))

    def known(node):
        kind, line = fixed[node]
        return voltages[:, line] if kind == "drive" else np.zeros(len(voltages))

    finite = [(merged(a), merged(b), g) for a, b, g in branches if 0 < g < np.inf and live(a) in fed]
    for a, b, g in finite:
        for one, other in ((a, b), (b, a)):
            if one in place:
                matrix[place[one], place[one]] += g
                if other in place:
                    matrix[place[one], place[other]] -= g
                else:
                    right[place[one]] += g * known(other)
    solved = np.linalg.solve(matrix, right) if free else right

    def voltage(node):
        return solved[place[node]] if node in place else known(node)

    currents = np.zeros((len(voltages), columns))
    for a, b, g in finite:
        for one, other in ((a, b), (b, a)):
            if one in fixed and fixed[one][0] == "sense":
                currents[:, fixed[one][1]] += g * (voltage(other) - voltage(one))
    return currents


def _joined(pairs):
    parent: dict = {}

    def find(node):
        while parent.setdefault(node, node) != node:
            node = parent[node]
        return node

    for a, b in pairs:
        one, other = find(a), find(b)
        if one != other:
            # a terminal stays the name of its group
            if one[0] in ("drive", "sense"):
                one, other = other, one
            parent[one] = other
    return find
