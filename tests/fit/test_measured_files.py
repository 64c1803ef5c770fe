"""Files as instruments and spreadsheets write them give the numbers that are in them, or a reason."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cimspice.errors import TableError
from cimspice.fit import SCHEMAS, read_measured
from cimspice.fit.table import SYNAPSE
from cimspice.fit.units import to_unit
from cimspice.rram.model.tables import RRAM_READ

VOLTS, AMPERES = [0.1, 0.2, 0.35], [1.5e-6, 3.25e-6, 5e-6]


@pytest.fixture
def read(tmp_path):
    def read(text, schema=RRAM_READ, **options):
        path = tmp_path / "file.txt"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_measured(path, schema, ignore_others=True, **options)

    return read


def written(separator=",", decimal=".", header=("voltage (V)", "current (µA)"), end="\n", factor=1e6):
    """The sweep as text; numbers with the decimal mark and between the separators that are wanted."""
    numbers = [[f"{v:.2f}", f"{i * factor:.4f}"] for v, i in zip(VOLTS, AMPERES, strict=True)]
    rows = [separator.join(cell.replace(".", decimal) for cell in row) for row in numbers]
    return end.join([separator.join(header), *rows, ""])


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(written(";", ",", end="\r\n").encode("cp1252"), id="decimal commas, cp1252"),
        pytest.param(written("\t", ",").encode("utf-16"), id="tabs, decimal commas, UTF-16"),
        pytest.param(written(";").encode("utf-16-le"), id="UTF-16 without a mark"),
        pytest.param(("sep=;\n" + written(";")).encode("utf-16-be"), id="sep line, big-endian"),
        pytest.param(("sep=;\r\n" + written(";", ",")).encode("utf-8-sig"), id="sep line, UTF-8 with a mark"),
        pytest.param(written(" ").encode(), id="spaces"),
        pytest.param(written(", ").encode(), id="comma and space"),
        pytest.param(written('","', ",").replace("\n", '"\n"').join('""')[:-2].encode(), id="quoted commas"),
        pytest.param(written(end="\r").encode(), id="old Macintosh"),
        pytest.param(("Export\nDate,2026-02-03\nSite,3\n\n" + written()).encode(), id="lines before"),
        pytest.param(("# swept up\n# " + written()).encode(), id="header behind #"),
        pytest.param(written(end=",\n").encode(), id="a separator ends each line"),
        pytest.param((written() + written().splitlines()[0] + "\n0.5,8.0000\n").encode(), id="header again"),
    ],
)  # fmt: skip
def test_every_form_of_a_file_gives_the_same_numbers(read, data):
    table = read(data).iloc[:3]
    np.testing.assert_allclose(table["voltage"], VOLTS, rtol=1e-12)
    np.testing.assert_allclose(table["current"], AMPERES, rtol=1e-12)


@pytest.mark.parametrize(
    "header",
    ["I_uA", "I_µA", "I/uA", "I uA", "I (uA)", "I [uA]", "I, uA", "I.uA", "Smu1.I[1][1] (uA)", "I in uA",
     "I (microamps)", "I(uA)", "DrainI_AV", "I", "I <uA>", "I {uA}", "I(uA)[1]", "I (uA) at 1 V", "I_uA_up",
     "I_uA (up)", "bl_ua", "I_UA", "I (1)"],
)  # fmt: skip
def test_a_unit_in_a_column_named_by_the_user_is_read_from_its_header(read, header):
    text = written(header=("V", header if "," not in header else f'"{header}"'))
    options = {"units": {"current": "uA"}} if header in ("DrainI_AV", "I", "I (1)") else {}
    table = read(text, columns={"voltage": "V", "current": header}, **options)
    np.testing.assert_allclose(table["current"], AMPERES, rtol=1e-12)


def test_a_number_in_brackets_belongs_to_the_name(read):
    table = read(
        written(header=("Smu1.V[1][1]", "Smu1.I[1][1]"), factor=1),
        columns={"voltage": "Smu1.V[1][1]", "current": "Smu1.I[1][1]"},
    )
    np.testing.assert_allclose(table["current"], np.round(AMPERES, 4))


@pytest.mark.parametrize("header", ["I_V", "I/kohm", "I (furlong)", "I_A/um", "I (ms)"])
def test_a_unit_of_another_kind_is_refused_with_the_option_that_says_it(read, header):
    with pytest.raises(TableError, match="is not a unit") as caught:
        read(written(header=("V", header)), columns={"voltage": "V", "current": header})
    assert "--unit current=A" in caught.value.remedy


def test_an_error_of_a_spreadsheet_at_the_start_of_a_row_is_no_comment(read):
    with pytest.raises(TableError, match="'#N/A' is not a number"):
        read("voltage_V,current_A\n0.1,0.2\n#N/A,0.4\n")


def test_a_row_of_units_below_the_header_and_overflows_are_understood(read):
    text = "Analyzer\nV_G,V_D,I_D\nmV,V,uA\n100,1,2\n200,1,9.91E+37\n300,1,-9.9E37\n400,1,OVLD\n500,1,4\n"
    table = read(text, SCHEMAS["gate_law"], constants={"polarity": "n"})
    assert table["gate_bias"].tolist() == [0.1, 0.5]
    np.testing.assert_allclose(table["current"], [2e-6, 4e-6])
    assert table.attrs["provenance"]["overflow_rows"] == [5, 6, 7]


def test_without_a_header_columns_are_taken_by_number_and_only_then(read):
    text = written().split("\n", 1)[1]
    with pytest.raises(TableError, match="no header"):
        read(text)
    with pytest.raises(TableError, match="no header"):
        read(text, columns={"voltage": "V", "current": "I"})
    table = read(text, columns={"voltage": "1", "current": "2"}, units={"current": "uA"})
    np.testing.assert_allclose(table["current"], AMPERES)


def test_kelvin_become_degrees_celsius(read):
    table = read("voltage_V,current_A,temperature_K\n0.1,1e-6,300.15\n0.2,2e-6,300.15\n")
    np.testing.assert_allclose(table["temperature"], 27.0)


def test_decimal_commas_beside_points_are_refused(read):
    with pytest.raises(TableError, match="decimal comma"):
        read("voltage;current\n0,1;1e-6\n0.2;2e-6\n")


def test_rows_are_chosen_by_a_header_without_its_unit(read):
    table = read("die;V (V);I (A)\n7;0,1;1e-6\n8;0,1;2e-6\n", where={"V": "0.1", "die": "8"})
    assert table["current"].tolist() == [2e-6]


def test_two_devices_in_one_file_are_no_repeats_but_sweeps_of_one_are(read):
    rng = np.random.default_rng(3)
    volts = np.tile(np.linspace(0.1, 0.5, 20), 2)
    part = np.repeat([7, 8], 20)

    def text(ratio):
        current = 1e-6 * volts * np.where(part == 8, ratio, 1.0) * (1 + 0.01 * rng.standard_normal(40))
        rows = "".join(f"{p},{v:.4f},{i:.6e}\n" for p, v, i in zip(part, volts, current, strict=True))
        return "part,voltage_V,current_A\n" + rows

    assert len(read(text(1.0))) == 40
    with pytest.raises(TableError, match="not the same device") as caught:
        read(text(1.2))
    assert "--where part=" in caught.value.remedy


def test_a_repeat_where_rows_are_numbered_is_refused(read):
    text = "device,cycle,low_conductance,high_conductance\n1,1,1e-6,1e-4\n1,1,1e-6,1e-4\n"
    with pytest.raises(TableError, match="twice"):
        read(text, SCHEMAS["rram_cycles"])


@given(
    st.lists(st.tuples(st.integers(-999999, 999999), st.integers(-999999, 999999)), min_size=1, max_size=6),
    st.sampled_from([";", "\t"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    st.sampled_from(["V", "mV", "µV"]),
)
def test_numbers_survive_separator_encoding_and_decimal_comma(tmp_path_factory, pairs, mark, encoding, unit):
    header = mark.join(["voltage_V", "current_pA", "note"])
    pairs = dict(pairs)
    rows = [
        mark.join([f"{v}e-6".replace(".", ","), f"{i / 1000:.3f}".replace(".", ","), "ü"])
        for v, i in pairs.items()
    ]
    path = tmp_path_factory.mktemp("any") / "x.csv"
    path.write_text("\n".join([header, *rows]), encoding=encoding)
    table = read_measured(path, RRAM_READ, ignore_others=True)
    np.testing.assert_allclose(table["voltage"], [v * 1e-6 for v in pairs], rtol=1e-12)
    np.testing.assert_allclose(table["current"], [i * 1e-15 for i in pairs.values()], rtol=1e-12)


@pytest.mark.parametrize(
    ("unit", "wanted", "factor"),
    [("pJ", "J", 1e-12), ("mW", "W", 1e-3), ("1/mV", "1/V", 1e3), ("V/us", "V/s", 1e6), ("kΩ", "ohm", 1e3),
     ("mA/V", "S", 1e-3), ("fC", "C", 1e-15), ("%", "1", 0.01), ("microamperes", "A", 1e-6), ("1/s", "Hz", 1),
     ("A·s", "C", 1), ("mV^0.5", "V^0.5", 10**-1.5)],
)  # fmt: skip
def test_units_are_converted_and_others_refused(unit, wanted, factor):
    assert to_unit(unit, wanted) == (pytest.approx(factor, rel=1e-15), 0.0)
    assert to_unit(unit, "F") is None


def test_a_synapse_table_may_name_its_columns_as_the_field_does(read):
    table = read("V_GS (V),V_DS (V),I_D (nA)\n0.5,1.0,10\n0.5,1.1,11\n", SYNAPSE, constants={"polarity": "n"})
    np.testing.assert_allclose(table["current"], [1e-8, 1.1e-8])
