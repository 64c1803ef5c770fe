"""Converters and comparators: circuits, models."""

from typing import TYPE_CHECKING

from cimspice.lazy import lazy

if TYPE_CHECKING:
    from cimspice.converter.model.converter import SignedConverter

__all__ = ["SignedConverter"]
__getattr__, __dir__ = lazy(__name__)
