"""Part ``processing_element`` of a card: what an MVM takes in time and energy on one crossbar."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from cimspice.errors import ParameterError

if TYPE_CHECKING:
    from cimspice.fit.family_card import Card, Part

PART = "processing_element"
UNITS = {
    "rows": "1", "columns": "1", "columns_per_weight": "1", "input_bits": "1", "settle_time": "s",
    "conversion_time": "s", "columns_per_converter": "1", "energy_per_mvm": "J", "idle_power": "W",
    "error": "1", "overlap": "1", "gated": "1", "wake_time": "s", "off_power": "W",
    "transfer_energy": "J",
}  # fmt: skip
"""Of the part's figures; those of ``OPTIONAL`` may be left out."""
OPTIONAL = ("overlap", "gated", "wake_time", "off_power", "transfer_energy")


@dataclass(frozen=True)
class ElementCard:
    """One crossbar with its converters.

    Attributes
    ----------
    rows, columns, columns_per_weight
        Of the crossbar.
    input_bits
        Cycles of an MVM, a bit of the inputs each.
    settle_time, conversion_time
        Of a read, and of one conversion (s).
    columns_per_converter
        Columns that a converter serves one after another.
    energy_per_mvm
        Of one crossbar: what reads and conversions take beside idle power (J).
    idle_power
        Of a crossbar while its amplifiers are on (W).
    error
        Of an MVM's results, rms of full scale.
    overlap
        1 if columns settle while others are converted, 0 if not.
    gated
        1 if idle crossbars are off, 0 if not.
    wake_time
        By how much the first read of an MVM takes longer if crossbars are off before it (s).
    off_power
        Of a crossbar that is off (W).
    transfer_energy
        Of a byte that a crossbar sends (J); 0 where it is not known.
    origin
        assumed, simulated or measured.
    extrapolated
        Whether the crossbar has more or fewer rows than the data of the card.
    """

    rows: int = 256
    columns: int = 256
    columns_per_weight: int = 1
    input_bits: int = 8
    settle_time: float = 55e-9
    conversion_time: float = 15e-9
    columns_per_converter: int = 8
    energy_per_mvm: float = 48.5e-9
    idle_power: float = 97e-3
    error: float = 0.01
    overlap: int = 0
    gated: int = 0
    wake_time: float = 0.0
    off_power: float = 0.0
    transfer_energy: float = 0.0
    origin: str = "assumed"
    extrapolated: bool = False

    def __post_init__(self) -> None:
        for name, unit in UNITS.items():
            value = getattr(self, name)
            flag = name in ("overlap", "gated")
            whole = unit == "1" and name != "error"
            good = math.isfinite(value) and (value > 0 or (value == 0 and name in OPTIONAL))
            if not good or (whole and value != int(value)) or (flag and value > 1):
                least = "of 0 or more" if name in OPTIONAL else "above 0"
                raise ParameterError(
                    f"{name} is {value}",
                    place=f"part {PART}",
                    remedy="give 0 or 1" if flag else f"give a {'whole ' * whole}number {least} ({unit})",
                )

    @property
    def time_per_mvm(self) -> float:
        """Of one MVM (s)."""
        conversions = self.columns_per_converter * self.conversion_time
        each = max(self.settle_time, conversions) if self.overlap else self.settle_time + conversions
        return self.input_bits * each + (self.wake_time if self.gated else 0.0)

    def idle_energy(self, crossbars: int, time: float) -> float:
        """Of so many crossbars for so long (J)."""
        return crossbars * (self.off_power if self.gated else self.idle_power) * time

    def part(self, reason: str, reasons: Mapping[str, str] | None = None) -> Part:
        """As a part of a card; ``reason`` is why figures have no interval, ``reasons`` that of some."""
        from cimspice.fit.family_card import Part
        from cimspice.fit.records import ParameterRecord

        records = {
            name: ParameterRecord(
                value=getattr(self, name), unit=unit, reason=(reasons or {}).get(name, reason)
            )
            for name, unit in UNITS.items()
        }
        return Part(origin=self.origin, parameters=records)  # pyright: ignore[reportArgumentType] (Part checks it)


def element_of(card: Card) -> ElementCard:
    """The part of a card.

    Raises
    ------
    ParameterError
        If the card has none, or its figures make none.
    """
    part = card.part(PART)
    lacking = [name for name in UNITS if name not in part.parameters and name not in OPTIONAL]
    if lacking:
        raise ParameterError(
            f"part {PART} lacks {', '.join(lacking)}", place="card", remedy="add them to the part"
        )
    for name, record in part.parameters.items():
        if record.unit != UNITS.get(name):
            raise ParameterError(
                f"{name} in {record.unit!r}",
                place=f"part {PART}",
                remedy=f"give {', '.join(UNITS)} in SI units",
            )
    found = element_with({name: record.value for name, record in part.parameters.items()}, part.origin)
    seen = part.range.get("rows")
    return replace(found, extrapolated=seen is not None and not seen.low <= found.rows <= seen.high)


def element_with(values: Mapping[str, float], origin: str = "assumed") -> ElementCard:
    """Figures by name, others as they are assumed; ParameterError for those that make none."""
    whole = {name for name, unit in UNITS.items() if unit == "1" and name != "error"}
    given: dict[str, Any] = {
        name: int(value) if name in whole and float(value).is_integer() else value
        for name, value in values.items()
    }
    return ElementCard(**given, origin=origin)
