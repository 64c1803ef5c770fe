"""Energy of a column's read: circuit, the emulator's sums in transistors, and what the table says of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cimspice import run_bench
from cimspice.errors import SimulationError
from cimspice.hybrid import Column, Converter, Design, Ternary, stored_bits
from cimspice.hybrid.column_blocks import mean_blocks
from cimspice.hybrid.emulator.columns import column_outputs
from cimspice.hybrid.energy import ColumnEnergy, EnergyTable
from cimspice.hybrid.training.activity import Sequences, drawn_sequences, layer_codes
from cimspice.hybrid.training.study import quantised
from cimspice.hybrid.training.train import Schedule
from cimspice.network import built_in
from cimspice.pdk.wires import cell_wires


@pytest.fixture(scope="module")
def network():
    built = built_in("iris")
    design = Design(Ternary(1.5), rows=16, scale_bits=4)
    found = quantised(built, design, seed=0, schedule=Schedule(epochs=3)).with_readout(design)
    found.start_scales(built.x_train)
    return found, built.x_test


@pytest.mark.spice
def test_a_column_with_comparator_is_restored_and_its_blocks_are_of_the_size_of_their_charges():
    column = Column(weights=16, rows=48)
    bits, rows = stored_bits(np.resize([1, -1, 1], 16)), np.arange(0, 24)
    opened = [{"row": int(row), "width": 60e-12, "bits": [int(bits[row])]} for row in rows]
    opened += [{"row": int(row), "width": 60e-12, "bits": [0]} for row in column.first_dummies]
    given = {"array": {"rows": 48}, "open_rows": opened, "strobes": [0.61e-9], "settle": 0.95e-9}
    row = run_bench("hybrid_column_energy", {**given, "restore": 2e-9}, workers=1).iloc[0]
    crossing = cell_wires().word_line_capacitance + 2 * 0.133e-15  # wire and gates of the column's cell
    assert row["word_line_energy"] == pytest.approx(27 * 1.2**2 * crossing, rel=0.1)
    assert 50e-15 < row["comparator_energy"] + row["strobe_energy"] < 300e-15
    assert row["array_energy"] == pytest.approx(
        sum(row[f"{name}_energy"] for name in ("cell", "precharge", "word_line", "control"))
    )


@pytest.mark.spice
def test_transistors_add_up_what_the_emulator_does_for_a_trained_column(network):
    found, x = network
    drawn = drawn_sequences(found, x, 12)
    place = int(np.argmax(np.abs(drawn.codes).sum(axis=1)))
    codes, scales = drawn.codes[place], drawn.scales[place]
    places = 2 ** np.arange(3)
    emulated = column_outputs(
        codes[None, :, None, None, None].astype(float), (scales * places)[None, :, None, None, None]
    )
    given = {"codes": codes.tolist(), "scale_factors": scales.tolist(), "shifted": True}
    table = run_bench("hybrid_accumulator", given, workers=1)
    assert np.count_nonzero(codes) > 1
    assert table["sum"].iloc[-1] == emulated.item()


def test_stored_scale_factors_are_the_integers_of_the_quantised_ones(network):
    found, x = network
    for name, rows in found.column_reads(x).items():
        layer = found.layers[name]
        _, codes, stored = layer_codes(found, name, rows)
        assert stored.min() >= 1
        assert stored.max() <= 15
        kept = layer.forward(rows) - layer.bias
        step = kept.ravel() @ (outputs := column_outputs(codes, stored * layer.design.places)).ravel()
        step /= (outputs**2).sum()
        assert np.allclose(kept, step * outputs, atol=1e-4 * np.abs(kept).max())


def test_the_table_divides_by_the_column_and_finds_the_smallest_converter_of_equal_accuracy():
    def one(energy, accuracy, readout):
        return ColumnEnergy(
            readout, {"array": energy / 4, "rest": 3 * energy / 4}, {"value": accuracy}, 64, 4e-9
        )

    columns = {"12 um": one(8e-13, 0.95, Ternary(1.5)), "3 um": one(4e-13, 0.95, Ternary(1.5))}
    converters = {bits: one(4e-13 * bits, 0.92 + bits / 100, Converter(bits)) for bits in (3, 4, 7)}
    facts = EnergyTable(columns, {}, converters, {}, {}, 0).facts()["energy"]
    assert facts["vs_adc7"]["ratio"] == pytest.approx(3.5)
    assert facts["by_design"]["3 um"]["vs_adc4"] == pytest.approx(4)
    assert facts["vs_equal_accuracy"]["readout"] == str(Converter(3))
    assert facts["column"]["per_mac"] == pytest.approx(9 / 64 * 8e-13)
    assert sum(facts["column"]["blocks"].values()) == pytest.approx(facts["column"]["per_read"])


def test_the_digital_part_of_binary_needs_no_code_of_0():
    energies = ("read_energy", "gating_energy", "sum_energy", "control_energy")
    table = pd.DataFrame({"code": [1, -1, 1], **{name: [1e-15, 3e-15, 2e-15] for name in energies}})
    found = mean_blocks(table, {"codes_of_1": 0.5, "codes_of_-1": 0.5, "codes_of_0": 0.0})
    assert found["add"] == pytest.approx(0.5 * 1.5e-15 + 0.5 * 3e-15)
    with pytest.raises(SimulationError, match="60 % of the network's codes are 0, none of the 3") as error:
        mean_blocks(table, {"codes_of_1": 0.2, "codes_of_-1": 0.2, "codes_of_0": 0.6})
    assert "more sequences" in str(error.value.remedy)


def test_drawn_sequences_are_those_of_the_network(network):
    found, x = network
    drawn = drawn_sequences(found, x, 30)
    assert isinstance(drawn, Sequences)
    assert ((drawn.sums > 1.5).astype(int) - (drawn.sums < -1.5) == drawn.codes).all()
    assert drawn.scales.shape == (30, 3)
