"""The crossbar as a family: its card, and a measured read law in it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cimspice.crossbar.model.card import PARTS, tile_of
from cimspice.fit.family_card import Card
from cimspice.rram.commands.card import fit_part, remarks_of, settings_of

if TYPE_CHECKING:
    from cimspice.fit.table_fit import FitOptions
    from cimspice.pdk import Conditions
    from cimspice.progress import OnProgress


def characterised(
    conditions: Conditions, settings: Sequence[str], jobs: int | None, progress: OnProgress
) -> Card:
    """The crossbar's card; ``settings`` are ``device=skywater``, or ``memory=FILE`` for a memory's card,
    ``wires=sky130`` for segments of the layout, and parameters of the card's parts (``g_max=1e-4``)."""
    from cimspice.crossbar.characterise import characterised_card
    from cimspice.screen.card import read

    numbers = {name: float for names in PARTS.values() for name in names}
    given = settings_of("crossbar", settings, {"device": str, "memory": str, "wires": str, **numbers})
    memory = given.pop("memory", None)
    if memory is not None:
        given["memory"] = read(Path(memory))
    return characterised_card(conditions, progress=progress, **given)


def check(card: Card) -> None:
    """CimspiceError if the card describes no tile."""
    tile_of(card)


def measured(card: Card, part: str, source: Path, given: FitOptions) -> tuple[Card, str, list[str]]:
    """The card with a measured curve in the place of ``read`` (``rram_read_sinh``)."""
    name, fitted = fit_part(card, part, source, given)
    return card.replaced(name, fitted.part()), name, remarks_of(fitted)
