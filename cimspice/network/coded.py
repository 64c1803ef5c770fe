"""What layers share whose sums are whole codes, of converters or of comparators: the half of `Layer` that
does not depend on the circuit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np

from cimspice.errors import CimspiceError, ParameterError


@dataclass(frozen=True, eq=False)
class CodedLayer:
    """A layer's name, its effects, which switch one by one, and its chips.

    ``circuit`` has ``chips``: how many are drawn, 0 if all is nominal; ``number``: which of several this is.
    """

    all_effects: ClassVar[tuple[str, ...]]
    mismatch: ClassVar[str]
    """The effect by which chips differ."""
    circuit: Any
    name: str = field(kw_only=True)
    off: frozenset[str] = field(default=frozenset(), kw_only=True)
    number: int | None = field(default=None, kw_only=True)

    @property
    def effects(self) -> tuple[str, ...]:
        """Those that are on, mismatch where chips are drawn."""
        there = self.all_effects if self.circuit.chips else set(self.all_effects) - {self.mismatch}
        return tuple(name for name in self.all_effects if name in there and name not in self.off)

    @property
    def chips(self) -> int:
        """Instances of the circuit."""
        return 1 if self.number is not None else max(1, self.circuit.chips)

    def chip(self, number: int) -> Self:
        """One of the chips, from 0."""
        if not 0 <= number < self.chips:
            raise ParameterError(
                f"no chip {number}", place=f"layer {self.name!r}", remedy=f"give 0 to {self.chips - 1}"
            )
        return replace(self, number=number) if self.chips > 1 else self

    @property
    def differs(self) -> bool:
        """Whether what a drawn chip deviates by is on."""
        return bool(self.circuit.chips) and self.mismatch not in self.off

    def chip_rng(self) -> np.random.Generator:
        """Of the layer's deviations on its chip, of several the first; ``circuit.seed`` with the number and
        the layer's name."""
        return np.random.default_rng([self.circuit.seed, self.number or 0, *map(ord, self.name)])

    @property
    def fast(self) -> bool:
        """True: thousands of inputs take seconds."""
        return True

    @property
    def matrix(self) -> None:
        """None: codes are whole numbers."""
        return None

    def without(self, *effects: str) -> Self:
        """The layer with these effects switched off; ranges, steps and scale factors stay as they are.

        What weights and inputs lose by quantisation or clipping is then added exactly.
        """
        for name in effects:
            if name not in self.all_effects:
                raise ParameterError(
                    f"no effect {name!r}",
                    place=f"layer {self.name!r}",
                    remedy=f"choose from {', '.join(self.all_effects)}",
                )
        return replace(self, off=self.off | set(effects))


@contextmanager
def naming(layer: str) -> Iterator[None]:
    """Errors in the block name the layer."""
    try:
        yield
    except CimspiceError as error:
        error.place = f"layer {layer!r}: {error.place}"
        raise
