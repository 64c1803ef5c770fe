"""How a column can be built and read, as far as a designer chooses it."""

from __future__ import annotations

from dataclasses import dataclass

from cimspice.hybrid.emulator.columns import Design, Shared
from cimspice.hybrid.model.readout import Binary, Converter, ReadOut, Ternary

STEPS = {2: 4.0, 3: 2.0, 4: 1.0, 5: 1.0, 6: 0.5, 7: 0.25, 8: 0.125}
"""Of a converter of so many bits (cells). From 5 bits on sums of −16 to 16, all that there are, come out as
they are; those of 4, 3 and 2 bits have a range of −8 to 8."""


@dataclass(frozen=True)
class Choice:
    """A column, with its read-out."""

    readout: ReadOut
    shared: Shared = "column"
    scale_bits: int = 4
    """``shared``, ``scale_bits``: what shares a scale factor, and its bits. One for the layer is no number to
    be added: codes are, at the place of their input bit."""
    input_width: float = 12e-6
    """Of the comparator's input transistors (m), 12 µm being the converter's."""
    pulse: float = 60e-12
    """Of an input of 1 (s)."""

    def design(self, rows: int = 64) -> Design:
        """Of the layers read so."""
        return Design(self.readout, rows=rows, shared=self.shared, scale_bits=self.scale_bits)

    @property
    def dummies(self) -> int:
        """Dummy cells of the first decision."""
        return round(2 * (self.readout.threshold or 0.5)) if isinstance(self.readout, Ternary) else 1


TERNARY = Ternary(1.5)
WAYS = {
    "12 um, one for the layer": Choice(TERNARY, "layer"),
    "12 um": Choice(TERNARY),
    "12 um, 3 bits": Choice(TERNARY, scale_bits=3),
    "6 um, one for the layer": Choice(TERNARY, "layer", input_width=6e-6),
    "6 um, 3 bits": Choice(TERNARY, scale_bits=3, input_width=6e-6),
    "3 um": Choice(TERNARY, input_width=3e-6),
}
"""Ternary columns that are set against converters, the first one before all."""
READ = "12 um"
"""Whose network gives the reads and sums that the array and the converters are simulated with."""

FRONT = {
    "ternary": Choice(TERNARY),
    "ternary, scale factors of 3 bits": Choice(TERNARY, scale_bits=3),
    "ternary, one for each slice and bit": Choice(TERNARY, "slice"),
    "ternary, one for the layer": Choice(TERNARY, "layer"),
    "ternary, threshold 0.5": Choice(Ternary(0.5)),
    "ternary, threshold 2.5": Choice(Ternary(2.5)),
    "ternary, 6 um": Choice(TERNARY, input_width=6e-6),
    "ternary, 3 um": Choice(TERNARY, input_width=3e-6),
    "ternary, 1.5 um": Choice(TERNARY, input_width=1.5e-6),
    "ternary, 80 ps": Choice(TERNARY, pulse=80e-12),
    "ternary, 3 um, 80 ps": Choice(TERNARY, input_width=3e-6, pulse=80e-12),
    "ternary, 3 um, one for the layer": Choice(TERNARY, "layer", input_width=3e-6),
    "binary": Choice(Binary()),
    "binary, 3 um": Choice(Binary(), input_width=3e-6),
    **{f"{bits} bits": Choice(Converter(bits, STEPS[bits])) for bits in range(3, 8)},
}
"""Columns among which a designer chooses."""
