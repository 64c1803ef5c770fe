"""A user's CSV: units, separators, and every way in which such a file is wrong."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cimspice.errors import TableError
from cimspice.fit import read_measured
from cimspice.fit.table import COMPARATOR, SYNAPSE

GOOD = "gate_bias_V,membrane_voltage_V,drain_current_A\n0.5,1.3,1e-8\n0.5,1.2,9e-9\n"
CONSTANTS = {"polarity": "n"}


@pytest.fixture
def read(tmp_path):
    def read(text, schema=SYNAPSE, constants=CONSTANTS):
        path = tmp_path / "curves.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_measured(path, schema, constants=constants)

    return read


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        "gate_bias_mV,membrane_voltage_mV,drain_current_nA\n500,1300,10\n500,1200,9\n",
        "gate_bias (mV),membrane_voltage [V],current (uA)\n500,1.3,0.01\n500,1.2,0.009\n",
        "gate_bias,membrane_voltage,current\nmV,V,nA\n500,1.3,10\n500,1.2,9\n",
        "Gate_Bias_V;drain_voltage_V;drain_current_µA\n0.5;1.3;0.01\n\n0.5;1.2;0.009\n",
        "# made on a bench\ngate_voltage\tmembrane_voltage\tcurrent\n0.5\t1.3\t1e-8\n0.5\t1.2\t9e-9\n",
        "\ufeff" + GOOD.replace("\n", "\r\n"),
    ],
)
def test_the_accepted_spellings_give_the_same_table(read, text):
    table = read(text)
    assert table["polarity"].tolist() == ["n", "n"]
    np.testing.assert_allclose(table["gate_bias"], 0.5)
    np.testing.assert_allclose(table["membrane_voltage"], [1.3, 1.2])
    np.testing.assert_allclose(table["current"], [1e-8, 9e-9])
    assert len(table.attrs["provenance"]["measured_file_digest"]) == 64


@pytest.mark.parametrize(
    "header", ["slope_V_per_us,delay_ns,threshold_mV", "slope_V/us,delay (ns),threshold_mV"]
)
def test_slopes_are_in_volts_per_second(read, header):
    table = read(f"{header}\n0.8,2,430\n1.6,1.5,430\n", COMPARATOR, {})
    np.testing.assert_allclose(table["slope"], [0.8e6, 1.6e6])
    np.testing.assert_allclose(table["delay"], [2e-9, 1.5e-9])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["empty"]),
        ("gate_bias_V,membrane_voltage_V,drain_current_A\n", ["no data"]),
        (GOOD.replace("1e-8", "nan"), ["row 2", "'current'", "nan"]),
        (GOOD.replace("1e-8", "over"), ["row 2", "'over'", "not a number"]),
        (GOOD.replace("1e-8", ""), ["row 2", "empty"]),
        (GOOD.replace("1.2", "1,2"), ["row 3", "4 values for 3 columns", "comma"]),
        (GOOD.replace(",", ";").replace("1.2", "1,2"), ["row 3", "decimal comma", "1.2"]),
        (GOOD.replace("drain_current_A", "drain_current_V"), ["row 1", "'V' is not a unit", "use A"]),
        (GOOD.replace("drain_current_A", "leakage_A"), ["row 1", "unknown column 'leakage_A'", "current_A"]),
        (GOOD.replace("gate_bias_V", "membrane_voltage_V"), ["row 1", "'membrane_voltage' appears twice"]),
        (GOOD.replace("gate_bias_V,", "").replace("0.5,", ""), ["lacks the column 'gate_bias'"]),
        (GOOD.replace("0.5", "500"), ["row 2", "'gate_bias'", "unit"]),
        ("# note\n\n" + GOOD.replace("9e-9", "inf"), ["row 5", "inf"]),
        ("gate_bias_V,membrane_voltage,current\nmV,V,A\n500,1.3,1e-8\n", ["two units", "'V'", "'mV'"]),
        (GOOD.replace("1e-8", "0_5"), ["row 2", "'0_5' is not a number"]),
        (GOOD.replace("0.5,1.2,9e-9", "0.5,1.2#,9e-9"), ["row 3", "'1.2#' is not a number"]),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", ["not text"]),
        (GOOD.replace("drain_current_A", "drain_current/A/um"), ["'A/um' is not a unit"]),
        (
            GOOD.replace("drain_current_A", "drain_current (log A)"),
            ["'log A' is not a unit", "--unit current=A"],
        ),
        (GOOD.replace("1e-8", "9.91E+37").replace("9e-9", "-9.9e37"), ["every row is an overflow"]),
        ("0.5,1.3,1e-8\n0.5,1.2,9e-9\n", ["no header", "--column current=2"]),
    ],
)
def test_a_defect_names_file_row_column_and_remedy(read, text, words):
    with pytest.raises(TableError) as caught:
        read(text)
    for word in [*words, "curves.csv"]:
        assert word in str(caught.value)


def test_a_missing_file_is_a_table_error(tmp_path):
    with pytest.raises(TableError, match="No such file"):
        read_measured(tmp_path / "none.csv", SYNAPSE)


def test_a_constant_that_is_a_column_too_is_refused(read):
    with pytest.raises(TableError, match="constant"):
        read(GOOD, constants={"polarity": "n", "gate_bias": 0.5})


@given(st.text(max_size=200))
def test_no_text_gives_anything_but_a_table_or_a_table_error(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("any") / "x.csv"
    path.write_text(text, encoding="utf-8", errors="replace")
    try:
        table = read_measured(path, SYNAPSE)
    except TableError:
        return
    assert isinstance(table, pd.DataFrame)


@given(st.lists(st.floats(1e-12, 1e-6), min_size=1, max_size=8))
def test_written_numbers_are_read_exactly(tmp_path_factory, currents):
    path = tmp_path_factory.mktemp("exact") / "x.csv"
    rows = "".join(f"n,0.5,{k / 10},{current!r}\n" for k, current in enumerate(currents))
    path.write_text("polarity,gate_bias,membrane_voltage,current\n" + rows)
    assert read_measured(path, SYNAPSE)["current"].tolist() == currents
