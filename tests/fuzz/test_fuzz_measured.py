"""One measured sweep in layouts of any instrument and spreadsheet: the same numbers and fit, or a reason."""

from __future__ import annotations

import json
import re
from decimal import Decimal

import numpy as np
import pytest
from fuzz_documents import fuzz, seeds
from hypothesis import given

from cimspice.cli.app import run as command
from cimspice.errors import TableError
from cimspice.fit import read_measured
from cimspice.rram.model.tables import RRAM_READ

VOLTS = [Decimal(k) / 40 for k in (-20, -12, -7, -3, 0, 2, 5, 11, 16, 20)]
AMPERES = [Decimal(round(1e12 * 8e-6 * np.sinh(3 * float(v)) / 3)) / 10**12 for v in VOLTS]
PREFIXES = {"k": 3, "": 0, "m": -3, "µ": -6, "u": -6, "n": -9}
BELOW = "{}"  # units in a row of their own
STYLES = ("{}_{}", "{} ({})", "{} [{}]", "{}/{}", "{}({})", BELOW)
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("measured")


def spelled(value: Decimal, random) -> str:
    """A number with all its digits, in one of the ways that they are written."""
    match random.randrange(4):
        case 0:
            return f"{value:.12f}" if -value.as_tuple().exponent <= 12 else f"{value:f}"
        case 1:
            return f"{value:e}"
        case 2:
            return f"{value:+.15E}"
        case _:
            return f"{value:f}".replace("0.", ".", 1) if abs(value) < 1 and value else f"{value:f}"


def layout(random) -> tuple[bytes, list[int]]:
    """A file of the sweep, and the order of its points."""
    mark = random.choice((",", ";", "\t", " ", ", "))
    comma = mark in (";", "\t", " ") and random.random() < 0.5
    units = [random.choice(list(PREFIXES)) + base for base in ("V", "A")]
    style = random.choice(STYLES)
    order = list(range(len(VOLTS)))
    match random.randrange(4):
        case 0:
            order.reverse()
        case 1:
            order += order[-2::-1]  # up and down
        case 2:
            random.shuffle(order)
    names = ["voltage", "current"]
    columns = [[v.scaleb(-PREFIXES[unit[:-1]]) for v in values] for unit, values in
               zip(units, (VOLTS, AMPERES), strict=True)]  # fmt: skip
    headers = [
        name if style == BELOW else style.format(name, unit) for name, unit in zip(names, units, strict=True)
    ]
    cells = [[spelled(column[k], random) for column in columns] for k in order]
    if comma:
        cells = [[re.sub(r"^(-?)\.", r"\g<1>0.", cell).replace(".", ",") for cell in row] for row in cells]
    if random.random() < 0.2:
        cells = [[cell.replace("-", "−") for cell in row] for row in cells]
    table = [headers, *([units] if style == BELOW else []), *cells]
    if random.random() < 0.4 and mark != " ":
        other = random.choice(
            (["note", *["ü"] * 99], ["index", *map(str, range(99))], ["device", *["d1"] * 99])
        )
        blank = [""] if style == BELOW else []
        table = [[*row, extra] for row, extra in zip(table, [other[0], *blank, *other[1:]], strict=False)]
    permuted = list(range(len(table[0])))
    random.shuffle(permuted)
    table = [[row[k] for k in permuted] for row in table]
    if random.random() < 0.3 and mark != " ":
        table = [[f'"{cell}"' for cell in row] for row in table]
    lines = [mark.join(row) for row in table]
    if random.random() < 0.3 and mark != " ":
        lines = [line + mark for line in lines]
    if random.random() < 0.3:
        lines[:0] = random.choice((["# measured", "#"], ["Export of an instrument", "Site,3"], ["", "  "]))
    if random.random() < 0.2:
        lines.insert(random.randrange(len(lines) - 3, len(lines)), random.choice(("", "# a remark", "   ")))
    if random.random() < 0.2 and len(mark) == 1 and mark != " ":
        lines.insert(0, f"sep={mark}")
    end = random.choice(("\n", "\r\n", "\r"))
    text = end.join(lines) + random.choice(("", end, end + end))
    encoding = random.choice(ENCODINGS)
    if encoding == "cp1252":
        text = text.replace("−", "-")
    return text.encode(encoding), order


@fuzz(0.5)
@given(random=seeds)
def test_every_layout_gives_the_numbers_of_the_sweep(place, random):
    data, order = layout(random)
    (place / "sweep.csv").write_bytes(data)
    table = read_measured(place / "sweep.csv", RRAM_READ, ignore_others=True)
    np.testing.assert_allclose(table["voltage"], [float(VOLTS[k]) for k in order], rtol=1e-12)
    np.testing.assert_allclose(table["current"], [float(AMPERES[k]) for k in order], rtol=1e-12)


def fitted(path, capsys) -> dict:
    assert command(["fit", str(path), "--model", "rram_read_sinh", "--json"]) == 0
    return json.loads(capsys.readouterr().out)["parameters"]


@fuzz(0.004)
@given(random=seeds)
def test_every_layout_gives_the_fit_of_the_plain_file(place, capsys, random):
    plain, other = place / "plain.csv", place / "other.csv"
    data, order = layout(random)
    other.write_bytes(data)
    rows = (f"{VOLTS[k]},{AMPERES[k]:e}\n" for k in order)
    plain.write_text("voltage_V,current_A\n" + "".join(rows))
    capsys.readouterr()
    wanted, found = fitted(plain, capsys), fitted(other, capsys)
    for name, parameter in wanted.items():
        assert found[name]["value"] == pytest.approx(parameter["value"], rel=1e-6)
        assert found[name]["unit"] == parameter["unit"]


AMBIGUOUS = {
    "decimal commas between commas": "voltage_V,current_A\n0,1,1,5e-6\n0,2,3,1e-6\n",
    "both decimal marks in a column": "voltage_V;current_A\n0,1;1e-6\n0.2;2e-6\n",
    "thousands": "voltage_V;current_uA\n0.1;1,000.5\n0.2;2,000.5\n",
    "prefixes in cells": "voltage,current\n0.1,1.5u\n0.2,3u\n",
    "units in cells": "voltage,current\n0.1 V,1.5 uA\n0.2 V,3 uA\n",
    "two units": "voltage_V,current_uA\nV,mA\n0.1,1.5\n0.2,3\n",
    "a unit of another kind": "voltage_V,current_V\n0.1,1.5\n0.2,3\n",
    "no header": "0.1,1.5\n0.2,3\n",
    "one name twice": "voltage,current_uA,current_mA\n0.1,1.5,1\n0.2,3,2\n",
    "a row too short": "voltage,current\n0.1,1.5e-6\n0.2\n",
    "a hole": "voltage,current\n0.1,1.5e-6\n0.2,\n",
    "underscores": "voltage,current\n1_0,1e-6\n0.2,3e-6\n",
    "hexadecimal": "voltage,current\n0x1,1e-6\n0.2,3e-6\n",
}


@pytest.mark.parametrize("case", AMBIGUOUS)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_what_can_be_read_in_two_ways_is_refused_by_place(place, case, encoding):
    path = place / "ambiguous.csv"
    path.write_bytes(AMBIGUOUS[case].encode(encoding))
    with pytest.raises(TableError) as refused:
        read_measured(path, RRAM_READ, ignore_others=True)
    assert str(path) in refused.value.place
    assert refused.value.remedy
