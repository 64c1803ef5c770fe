"""What layers share whose sums are whole codes, of converters or of comparators: the half of `Layer` that
does not depend on the circuit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import ClassVar, Self

from cimspice.errors import CimspiceError, ParameterError


@dataclass(frozen=True, eq=False)
class CodedLayer:
    """A layer's name and its effects, which switch one by one."""

    all_effects: ClassVar[tuple[str, ...]]
    name: str = field(kw_only=True)
    off: frozenset[str] = field(default=frozenset(), kw_only=True)

    @property
    def effects(self) -> tuple[str, ...]:
        """Those that are on."""
        return tuple(name for name in self.all_effects if name not in self.off)

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
