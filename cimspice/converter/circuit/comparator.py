"""Comparator of the SRAM array's converter: its input offset, by bisection."""

from typing import Annotated, ClassVar

from cimspice.bench.bench import register
from cimspice.converter.circuit.controls import Gates
from cimspice.converter.circuit.converter import Converter
from cimspice.converter.circuit.offset import OffsetByBisection
from cimspice.netlist import NetlistParameters, quantity


class ComparatorSearch(NetlistParameters):
    """A comparator whose inputs stand about ``common_drop`` below the supply, and the search."""

    gates: Gates = Gates()
    supply_voltage: Annotated[float, quantity("V", ge=1.4, le=1.95)] = 1.8
    common_drop: Annotated[float, quantity("V", ge=0, le=0.5)] = 0.05
    period: Annotated[float, quantity("s", ge=4e-10, le=1e-6, description="of one decision")] = 2e-9
    edge: Annotated[float, quantity("s", ge=1e-12, le=1e-9, description="of the strobe")] = 4e-11
    search_range: Annotated[float, quantity("V", gt=0, le=0.5)] = 0.032
    decisions: Annotated[int, quantity("1", ge=4, le=16)] = 8
    time_step: Annotated[float, quantity("s", gt=0, le=1e-9, description="largest step")] = 40e-12
    latches: Annotated[int, quantity("1", ge=1, le=16, description="that each output drives")] = 6


class ComparatorParameters(ComparatorSearch):
    """The converter's."""

    converter: Converter = Converter()


@register
class ComparatorOffset(OffsetByBisection):
    """Of the converter's comparator."""

    name: ClassVar[str] = "sram_comparator_offset"
    title: ClassVar[str] = "input offset of the converter's comparator, by bisection"
    template: ClassVar[str] = "converter/comparator_offset"
    Parameters: ClassVar[type[NetlistParameters]] = ComparatorParameters
    flat: ClassVar[bool] = True
    outputs: ClassVar[tuple[str, str]] = ("win", "win_bar")
    read_at: ClassVar[float] = 0.74
    decision_share: ClassVar[float] = 0.44
