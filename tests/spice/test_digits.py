"""Numbers reach ngspice as the same doubles, whether a deck or a command carries them."""

from __future__ import annotations

import numpy as np
import pytest
from spice_circuits import circuit

from cimspice.spice import Op, Session, simulate_batch
from cimspice.spice.digits import as_in_deck, command_reads, deck_reads
from cimspice.spice.engine import Engine

ROUND = [0.7, 1.1, 1.2, 1.7, 1.8, -1.4, 1e-3, 3.3e-5, 2.0, 0.0, 1e22, -0.0]


def some_values(count: int) -> list[float]:
    generator = np.random.default_rng(3)
    wide = 10.0 ** generator.uniform(-15, 6, count) * generator.choice([-1, 1], count)
    return [*ROUND, *map(float, generator.uniform(-2, 2, count)), *map(float, wide)]


def test_what_a_command_is_sent_reads_as_the_deck_reads_the_value():
    values = some_values(2000)
    misses = [v for v in values if command_reads(as_in_deck(v)) != deck_reads(repr(v))]
    assert len(misses) <= 2
    assert all(command_reads(as_in_deck(v)) == pytest.approx(v, rel=1e-15) for v in values)


@pytest.mark.spice
def test_ngspice_reads_as_described():
    engine = Engine()
    for value in some_values(60):
        engine.source(["* title", f"v1 a 0 dc {value!r}", "r1 a 0 1k", ".end"])
        engine.command("op")
        assert engine.vector("@v1[dc]") == deck_reads(repr(value))
        for text in (repr(value), as_in_deck(value)):
            engine.command(f"alter v1 = {text}")
            assert engine.vector("@v1[dc]") == command_reads(text)
        engine.command("destroy all")
        engine.command("remcirc")


@pytest.mark.spice
@pytest.mark.parametrize("voltage", ROUND[:6])
def test_an_altered_source_equals_a_written_one_to_the_last_bit(voltage):
    def diode(value: float):
        return circuit(f"v1 a 0 {value!r}\nr1 a b 1k\nd1 b 0 plain\n.model plain d is=1e-15")

    with Session() as session:
        session.load(diode(0.1))
        session.alter("v1", voltage)
        ours = session.run(Op())
    reference = simulate_batch(diode(voltage), Op())
    for name in ours.vectors:
        np.testing.assert_array_equal(ours[name], reference[name])
