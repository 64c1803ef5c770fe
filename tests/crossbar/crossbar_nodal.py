"""Independent reference for crossbars: dense nodal analysis of the circuit as a list of branches.

Nodes joined by ideal wires become one, open branches are left out, nodes without a path to a terminal are
left out of the equations. No part of it is shared with the solver.
"""

from __future__ import annotations

from fractions import Fraction

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


def exact_currents(g, word, bit, volts, drive, sense):
    """Column currents (fractions) by Gaussian elimination; finite segments as a crossbar takes them."""
    rows, columns = len(g), len(g[0])
    size = 2 * rows * columns
    matrix = [[Fraction(0)] * (size + 1) for _ in range(size)]
    sensed = []

    def join(a, b, conductance):
        for one, other in ((a, b), (b, a)):
            if isinstance(one, int):
                matrix[one][one] += conductance
                if isinstance(other, int):
                    matrix[one][other] -= conductance
                else:
                    matrix[one][size] += conductance * other

    for i in range(rows):
        line = [i * columns + j for j in range(columns)]
        for j in range(columns):
            join(line[j], rows * columns + line[j], Fraction(g[i][j]))
        for k, (a, b) in enumerate(zip([None, *line], [*line, None], strict=True)):
            if (a is None and drive == "right") or (b is None and drive == "left"):
                continue
            driver = Fraction(volts[i])
            join(driver if a is None else a, driver if b is None else b, 1 / Fraction(word[i][k]))
    for j in range(columns):
        line = [rows * columns + i * columns + j for i in range(rows)]
        for k, (a, b) in enumerate(zip([None, *line], [*line, None], strict=True)):
            if (a is None and sense == "bottom") or (b is None and sense == "top"):
                continue
            join(Fraction(0) if a is None else a, Fraction(0) if b is None else b, 1 / Fraction(bit[k][j]))
            if None in (a, b):
                sensed.append((j, b if a is None else a, 1 / Fraction(bit[k][j])))
    for pivot in range(size):
        for row in range(pivot + 1, size):
            if matrix[row][pivot]:
                factor = matrix[row][pivot] / matrix[pivot][pivot]
                for column in range(pivot, size + 1):
                    matrix[row][column] -= factor * matrix[pivot][column]
    found = [Fraction(0)] * size
    for row in reversed(range(size)):
        rest = sum((matrix[row][k] * found[k] for k in range(row + 1, size)), Fraction(0))
        found[row] = (matrix[row][size] - rest) / matrix[row][row]
    currents = [Fraction(0)] * columns
    for column, node, conductance in sensed:
        currents[column] += conductance * found[node]
    return currents
