"""The comparator on a column's lines, at their common mode: offset, decision, kick-back."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import computed_field

from cimspice.bench.bench import register
from cimspice.converter.circuit.comparator import ComparatorOffset, ComparatorSearch
from cimspice.converter.circuit.converter import Converter, Width
from cimspice.netlist import NetlistParameters, quantity


class Comparator(NetlistParameters):
    """The converter's with input transistors of another width.

    Its cross-coupled ones have a third of that, from 0.84 to 2 µm.
    """

    input_width: Width = 12e-6

    @computed_field
    @property
    def converter(self) -> Converter:
        """The converter whose comparator this is."""
        cross = min(max(self.input_width / 3, 0.84e-6), 2e-6)
        return Converter(input_width=self.input_width, cross_width=cross)


class OffsetParameters(Comparator, ComparatorSearch):
    """Two latches, one for each decision; lines 0.2 V down, as some 20 open weights leave them."""

    common_drop: Annotated[float, quantity("V", ge=0, le=0.5)] = 0.2
    search_range: Annotated[float, quantity("V", gt=0, le=0.5)] = 0.064
    decisions: Annotated[int, quantity("1", ge=4, le=16)] = 9
    latches: Annotated[int, quantity("1", ge=1, le=16, description="that each output drives")] = 2


@register
class ColumnComparatorOffset(ComparatorOffset):
    """Of the comparator on a column's lines, by bisection."""

    name: ClassVar[str] = "hybrid_comparator_offset"
    title: ClassVar[str] = "input offset of a column's comparator at the lines' common mode, by bisection"
    Parameters: ClassVar[type[NetlistParameters]] = OffsetParameters
