"""Validation of tables: every defect is named with row, column, value and remedy."""

import numpy as np
import pandas as pd
import pytest

from cimspice.errors import TableError
from cimspice.fit.table import CAPACITANCE, COMPARATOR, SYNAPSE


def synapse_frame(**changes):
    frame = pd.DataFrame(
        {
            "polarity": ["n", "n", "p"],
            "order": ["memory_at_membrane"] * 3,
            "gate_bias": [0.5, 0.5, 1.2],
            "membrane_voltage": [1.3, 1.2, 1.3],
            "current": [1e-8, 9e-9, 2e-8],
            "corner": ["tt"] * 3,
            "temperature": [27.0] * 3,
        }
    )
    return frame.assign(**changes)


def test_a_good_table_comes_back_in_floats_with_its_attributes():
    frame = synapse_frame(gate_bias=[1, 1, 1], membrane_voltage=[1.3, 1.2, 1.3])
    frame.attrs["provenance"] = {"pdk": "x"}
    checked = SYNAPSE.validate(frame)
    assert checked["gate_bias"].dtype == float
    assert checked.attrs["provenance"] == {"pdk": "x"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"current": [1e-8, np.nan, 1e-8]}, ["row 1", "'current'", "nan", "remedy"]),
        ({"current": [1e-8, "oops", 1e-8]}, ["row 1", "'current'", "oops"]),
        ({"current": [1e-8, np.inf, 1e-8]}, ["row 1", "inf"]),
        ({"gate_bias": [500, 500, 1200]}, ["row 0", "'gate_bias'", "500 V", "unit"]),
        ({"polarity": ["n", "nmos", "p"]}, ["row 1", "'polarity'", "nmos", "n, p"]),
        ({"corner": ["tt", None, "tt"]}, ["row 1", "'corner'"]),
        ({"membrane_voltage": [1.3, 1.3, 1.3]}, ["rows 0 and 1", "twice", "membrane_voltage = 1.3"]),
        ({"gate_bais": [1.0, 1.0, 1.0]}, ["gate_bais", "known columns", "gate_bias"]),
    ],
)
def test_a_defect_is_named_with_its_place(changes, words):
    with pytest.raises(TableError) as caught:
        SYNAPSE.validate(synapse_frame(**changes), "my table")
    for word in [*words, "my table"]:
        assert word in str(caught.value)


def test_a_missing_column_is_named_with_its_unit():
    with pytest.raises(TableError, match=r"lacks the column 'membrane_voltage'[\s\S]*in V"):
        SYNAPSE.validate(synapse_frame().drop(columns="membrane_voltage"))


def test_an_empty_table_is_refused():
    with pytest.raises(TableError, match="no rows"):
        SYNAPSE.validate(synapse_frame().iloc[:0])


def test_a_negative_capacitance_is_refused():
    with pytest.raises(TableError, match="outside 0"):
        CAPACITANCE.validate(pd.DataFrame({"membrane_voltage": [1.0], "capacitance": [-1e-15]}))


def test_a_range_of_columns_is_not_a_duplicate_when_coordinates_differ():
    frame = pd.DataFrame({"slope": [1e5, 2e5], "delay": [1e-9, 1e-9], "threshold": [0.43, 0.43]})
    assert len(COMPARATOR.validate(frame)) == 2


def test_two_corners_are_never_mixed_silently():
    frame = pd.concat([synapse_frame(), synapse_frame(corner="ss")], ignore_index=True)
    with pytest.raises(TableError, match="several values of corner: tt, ss"):
        SYNAPSE.rows(frame, polarity="n", corner=None)
    assert set(SYNAPSE.rows(frame, polarity="n", corner="ss")["corner"]) == {"ss"}
    with pytest.raises(TableError, match=r"no rows with corner = 'ff'[\s\S]*it has tt, ss"):
        SYNAPSE.rows(frame, corner="ff")


def test_columns_that_only_the_campaign_knows_are_left_out_of_a_fit():
    assert "sample" not in SYNAPSE.rows(synapse_frame(sample=[1, 1, 1]), polarity="n").columns
