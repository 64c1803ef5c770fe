"""Write-verify by the model of a cell as what tiles conduct: its distribution, chips, switch and refusals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from cimspice.crossbar.emulator.cell_errors import CellErrors, WriteErrors
from cimspice.crossbar.emulator.circuit import CrossbarCircuit
from cimspice.crossbar.emulator.tile_layer import IDEAL_WIRES
from cimspice.crossbar.family import circuit
from cimspice.crossbar.mapping.conductances import ConductanceRange
from cimspice.errors import CimspiceError
from cimspice.rram.model.cell import WriteResult
from cimspice.rram.model.programming import SetResponse, WriteScheme, write_verify

CELLS = ConductanceRange()
SCHEME = WriteScheme(tolerance=0.05)


class Logistic:
    """A cell whose SETs raise its state to what the word line asks for."""

    def conductance(self, state):
        return 1e-6 * np.exp(4.6 * np.asarray(state))

    def write(self, state, pulse, ambient=27.0):
        state = np.asarray(state, dtype=float)
        word = np.broadcast_to(np.asarray(pulse.word_line, dtype=float), state.shape)
        is_set = np.broadcast_to(np.asarray(pulse.bit_line) > 0, state.shape)
        asked = np.clip((word - 0.8) / 1.6, 0.0, 1.0)
        after = np.where(is_set, np.maximum(state, asked + 0.02 * state), 0.02 + 0.1 * state)
        return WriteResult(after, np.full(state.shape, 1e-12))


@pytest.fixture(scope="module")
def written() -> WriteErrors:
    return WriteErrors.of(Logistic(), CELLS, SCHEME, targets=200, starts=10)


def test_drawn_errors_are_distributed_as_the_writing_of_each_cell_is(written):
    rng = np.random.default_rng(3)
    targets = np.exp(rng.uniform(np.log(CELLS.low), np.log(CELLS.high), 20_000))
    record = write_verify(
        Logistic(), targets, SCHEME, state=rng.uniform(size=targets.shape),
        response=SetResponse.of(Logistic(), SCHEME, points=33),
    )  # fmt: skip
    drawn = written.programmed(targets, rng) / targets - 1
    assert np.abs(drawn).max() <= 0.05 + 1e-12
    assert stats.ks_2samp(drawn, record.error).statistic < 0.05
    assert drawn.mean() == pytest.approx(record.error.mean(), abs=0.002)


def test_cells_of_levels_get_errors_of_their_own_level():
    cells = ConductanceRange(levels=5)
    made = WriteErrors.of(Logistic(), cells, SCHEME)
    levels = np.linspace(cells.low, cells.high, 5)
    np.testing.assert_allclose(made.targets, levels)
    drawn = (
        made.programmed(np.repeat(levels, 50).reshape(5, 50), np.random.default_rng(1)) / levels[:, None] - 1
    )
    states = np.linspace(0.01, 0.99, 99)
    for level, errors in zip(levels, drawn, strict=True):
        record = write_verify(
            Logistic(), np.full(99, level), SCHEME, state=states,
            response=SetResponse.of(Logistic(), SCHEME, points=33),
        )  # fmt: skip
        assert record.error.min() - 1e-3 <= errors.min() <= errors.max() <= record.error.max() + 1e-3


def test_every_chip_draws_its_own_and_the_effect_switches_off(written):
    rng = np.random.default_rng(0)
    w, x = rng.normal(size=(5, 9)), rng.uniform(0, 1, (4, 9))
    made = CrossbarCircuit(wires=IDEAL_WIRES, errors=CellErrors(tolerance=0.0, written=written), chips=3)
    layer = made.layer(w, x)
    assert layer.effects == ("programming error", "clipping")
    cells = layer.arrays()["conductances"][:, 0]
    exact = layer.without("programming error").arrays()["conductances"][:, 0]
    error = cells / exact - 1
    assert 0.01 < np.abs(error).max() <= 0.05 + 1e-12
    assert (error[0] != error[1]).mean() > 0.5
    np.testing.assert_array_equal(made.layer(w, x).arrays()["conductances"][:, 0], cells)
    assert layer.facts()["unverified"] == 0
    given_up = WriteErrors(written.targets, written.errors + 0.2, 0.05)
    beyond = CrossbarCircuit(errors=CellErrors(tolerance=0.0, written=given_up)).layer(w, x)
    assert beyond.facts()["unverified"] == 90


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"memory_card": "absent.json"}, "without write_verify"),
        ({"memory_card": "absent.json", "write_verify": 0.05}, "absent.json"),
        ({"write_verify": 0.0}, "write_verify is 0"),
        ({"written": 1}, "no setting 'written'"),
    ],
)
def test_write_verify_without_a_cell_is_refused(changes, words):
    with pytest.raises(CimspiceError, match=words):
        circuit(**changes)
