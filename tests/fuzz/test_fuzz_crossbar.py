"""Small arrays of any cells, wires and breaks: Newton's method with 150 digits on their nodal equations."""

from __future__ import annotations

from decimal import Decimal, localcontext
from itertools import pairwise

import numpy as np
from fuzz_documents import fuzz, seeds
from hypothesis import given

from cimspice.crossbar import Crossbar, NonlinearCrossbar, SinhCell, TwoTerminalCell

BAR = 1e-10  # of the largest current of the array
IDEAL, LEAK = Decimal("1e40"), Decimal("1e-80")  # siemens: no resistance, and what defines floating nodes


def drawn_wires(random, shape):
    """Segments of lines, terminals included, ohms: 1e-3 to 1e5, ideal and broken ones among them."""
    rows, columns = shape
    like = 10 ** random.uniform(-3, 5)
    drive, sense = random.choice(("left", "right", "both")), random.choice(("bottom", "top", "both"))
    kind = random.choice(("equal", "any", "broken", "ideal", "ideal lines"))
    none = random.sample((0.0, 1.0, 1.0), 2) if kind == "ideal lines" else (1.0, 1.0)

    def segment():
        if kind == "broken" and random.random() < 0.2:
            return np.inf
        if kind == "ideal" and random.random() < 0.3:
            return 0.0
        return like if kind in ("equal", "ideal") else 10 ** random.uniform(-3, 5)

    word = np.array([[segment() for _ in range(columns + 1)] for _ in range(rows)])
    bit = np.array([[segment() for _ in range(columns)] for _ in range(rows + 1)])
    return none[0] * word, none[1] * bit, {"drive": drive, "sense": sense}


def shape_of(random):
    return random.randint(1, 3), random.randint(1, 3)


def drawn_cells(random, shape):
    low, high = random.choice(((-6, -4), (-12, 15), (-6, 2)))
    g = np.array([[10 ** random.uniform(low, high) for _ in range(shape[1])] for _ in range(shape[0])])
    strange = np.array([[random.choice((np.nan,) * 8 + (0.0, 1e15)) for _ in row] for row in g])
    return np.where(np.isnan(strange), g, strange)


def branches(shape, word, bit, drive, sense):
    """(node, node, ohms) of every segment: a node's number, None for a sense terminal, ~row for a driver."""
    rows, columns = shape
    for i in range(rows):
        line = [~i, *range(i * columns, (i + 1) * columns), ~i]
        for k, (a, b) in enumerate(pairwise(line)):
            if (k or drive != "right") and (k < columns or drive != "left"):
                yield a, b, word[i, k]
    for j in range(columns):
        line = [None, *(rows * columns + i * columns + j for i in range(rows)), None]
        for k, (a, b) in enumerate(pairwise(line)):
            if (k or sense != "bottom") and (k < rows or sense != "top"):
                yield a, b, bit[k, j]


def solved(matrix, right):
    """Gaussian elimination without pivoting: these matrices dominate by their diagonals."""
    size = len(right)
    for k in range(size):
        for row in range(k + 1, size):
            if matrix[row][k]:
                factor = matrix[row][k] / matrix[k][k]
                for column in range(k, size):
                    if matrix[k][column]:
                        matrix[row][column] -= factor * matrix[k][column]
                right[row] -= factor * right[k]
    for k in reversed(range(size)):
        rest = sum((matrix[k][n] * right[n] for n in range(k + 1, size)), Decimal(0))
        right[k] = (right[k] - rest) / matrix[k][k]
    return right


def exact(law, shape, wires, volts, start=None):
    """Currents of columns and cells, and the largest of any cell, wire or terminal.

    ``law(i, j, across)`` gives current and slope in `Decimal`; ``start`` voltages of all nodes.
    """
    rows, columns = shape
    word, bit, ends = wires
    segments = [
        (a, b, IDEAL if ohms == 0 else 1 / Decimal(ohms))
        for a, b, ohms in branches(shape, word, bit, **ends)
        if ohms < np.inf
    ]
    size = 2 * rows * columns
    nodes = [Decimal(0)] * size if start is None else [Decimal(float(v)) for v in np.nan_to_num(start)]

    def at(node):
        return Decimal(0) if node is None else nodes[node] if node >= 0 else Decimal(volts[~node])

    def cells():
        for i, j in np.ndindex(rows, columns):
            a = i * columns + j
            yield (i, j), a, a + rows * columns, *law(i, j, nodes[a] - nodes[a + rows * columns])

    for _ in range(60):
        matrix = [[Decimal(0)] * size for _ in range(size)]
        out = [LEAK * v for v in nodes]
        flows = [(a, b, g * (at(a) - at(b)), g) for a, b, g in segments] + [c[1:] for c in cells()]
        for k in range(size):
            matrix[k][k] = LEAK
        for a, b, current, slope in flows:
            for one, other, sign in ((a, b, 1), (b, a, -1)):
                if one is not None and one >= 0:
                    out[one] += sign * current
                    matrix[one][one] += slope
                    if other is not None and other >= 0:
                        matrix[one][other] -= slope
        step = solved(matrix, [-x for x in out])
        nodes = [v + s for v, s in zip(nodes, step, strict=True)]
        if max(map(abs, step)) <= Decimal("1e-60") * (1 + max(map(abs, nodes))):
            break
    else:
        raise AssertionError("the reference does not converge from the voltages found")
    inside = np.array([float(c[3]) for c in cells()]).reshape(shape)
    largest = max(abs(g * (at(a) - at(b))) for a, b, g in segments) if segments else Decimal(0)
    largest = max(float(largest), np.abs(inside).max())
    return inside.sum(axis=0), inside, largest if largest > 1e-60 else 1e-6  # no path is whole: 1e-16 A


def linear(g):
    return lambda i, j, across: (Decimal(g[i, j]) * across, Decimal(g[i, j]))


@fuzz(0.15)
@given(random=seeds)
def test_every_method_gives_the_currents_of_150_digits(random):
    shape = shape_of(random)
    g, wires = drawn_cells(random, shape), drawn_wires(random, shape)
    volts = np.array([random.choice((0.0, random.uniform(-2, 2), 0.1)) for _ in range(shape[0])])
    with localcontext(prec=150):
        columns, cells, largest = exact(linear(g), shape, wires, volts)
    options = {"word_line_resistance": wires[0], "bit_line_resistance": wires[1], **wires[2]}
    for compiled in (False, True):
        for method in ("merge", "conjugate", "auto"):
            crossbar = Crossbar(g, method=method, compiled=compiled, **options)
            assert np.abs(crossbar.currents(volts) - columns).max() <= BAR * largest
        solution = crossbar.solve(volts)
        assert np.abs(solution.cell_currents[0] - cells).max() <= BAR * largest
        assert np.abs(solution.column_currents[0] - columns).max() <= BAR * largest
        assert solution.residual[0] <= BAR


def sinh_cells(random, shape, volts):
    g = drawn_cells(random, shape)
    bends = [[10 ** random.uniform(-2, 0) * 60 / volts for _ in range(shape[1])] for _ in range(shape[0])]
    bends = np.array(bends) if random.random() < 0.5 else np.full(shape, bends[0][0])

    def law(i, j, across):
        a = Decimal(bends[i, j])
        up, down = (a * across).exp(), (-a * across).exp()
        return Decimal(g[i, j]) * (up - down) / (2 * a), Decimal(g[i, j]) * (up + down) / 2

    return SinhCell(g, bends), law


def selectors(random, shape, volts):
    scale = np.array([[10 ** random.uniform(-16, -9) for _ in range(shape[1])] for _ in range(shape[0])])
    width = 10 ** random.uniform(np.log10(0.026), -0.5)

    def law(i, j, across):
        up = (across / Decimal(width)).exp()
        return Decimal(scale[i, j]) * (up - 1), Decimal(scale[i, j]) / Decimal(width) * up

    cell = TwoTerminalCell(lambda u: scale * np.expm1(u / width), lambda u: scale / width * np.exp(u / width))
    return cell, law


@fuzz(0.1)
@given(random=seeds)
def test_steep_cells_give_the_currents_of_150_digits(random):
    shape, highest = shape_of(random), random.choice((0.1, 1.0, 2.0))
    wires = drawn_wires(random, shape)
    volts = np.array([random.choice((0.0, 1, random.uniform(-1, 1))) for _ in range(shape[0])]) * highest
    cell, law = random.choice((sinh_cells, selectors))(random, shape, highest)
    options = {"word_line_resistance": wires[0], "bit_line_resistance": wires[1], **wires[2]}
    for compiled in (False, True):
        crossbar = NonlinearCrossbar(cell, shape, compiled=compiled, **options)
        solution = crossbar.solve(volts)
        start = np.concatenate([solution.word_line_voltages.ravel(), solution.bit_line_voltages.ravel()])
        with localcontext(prec=150):
            columns, cells, largest = exact(law, shape, wires, volts, start)
        assert np.abs(solution.cell_currents[0] - cells).max() <= BAR * largest
        assert np.abs(solution.column_currents[0] - columns).max() <= BAR * largest
        assert np.abs(crossbar.currents(volts) - columns).max() <= BAR * largest
        assert solution.residual[0] <= BAR
