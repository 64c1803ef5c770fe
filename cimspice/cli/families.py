"""Families of circuits as the commands know them: who makes a card, and who puts measured curves into it."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from cimspice.errors import ParameterError
from cimspice.screen.output import console, print_json

if TYPE_CHECKING:
    from cimspice.fit.family_card import Card
    from cimspice.pdk import Conditions
    from cimspice.progress import OnProgress

FAMILIES = {"neuron": "cimspice.neuron.commands.card", "sram": "cimspice.sram.commands.card"}
"""Name -> module with the functions of :class:`Family`."""


class Family(Protocol):
    """What a family's module has."""

    def characterised(
        self, conditions: Conditions, settings: Sequence[str], jobs: int | None, progress: OnProgress
    ) -> Card:
        """The family's card under these conditions; ``settings`` are NAME=VALUE of its circuit."""
        ...

    def check(self, card: Card) -> None:
        """CimspiceError if the card does not make the family's model."""
        ...

    def measured(
        self,
        card: Card,
        part: str,
        source: Path,
        *,
        columns: Mapping[str, str],
        units: Mapping[str, str],
        where: Mapping[str, str],
        options: Mapping[str, str],
        fixed: Mapping[str, str],
        weight: str,
    ) -> tuple[Card, list[str]]:
        """The card with a measured curve in the place of a part, and what is to be told of it."""
        ...


def family(name: str) -> Family:
    """The module of a family.

    Raises
    ------
    ParameterError
        If there is none of this name.
    """
    if name not in FAMILIES:
        raise ParameterError(
            f"there is no family {name!r}"[:200], place="card", remedy=f"use one of {', '.join(FAMILIES)}"
        )
    return cast(Family, importlib.import_module(FAMILIES[name]))


def characterise_family(
    name: str,
    card: Path | None,
    *,
    corners: Sequence[str],
    temperatures: Sequence[float],
    settings: Sequence[str],
    jobs: int | None,
    json: bool,
) -> None:
    """``cimspice characterize FAMILY --card FILE``: a card for each corner and temperature.

    Raises
    ------
    ParameterError
        If no file is named, or a condition cannot be.
    """
    from cimspice.pdk import Conditions
    from cimspice.screen.stages import Stages
    from cimspice.screen.validation_output import usable

    if card is None:
        raise ParameterError(
            f"{name} is a family of circuits: its characterisation is a card",
            place="--card",
            remedy=f"name the file: cimspice characterize {name} --card {name}.json",
        )
    wanted = [Conditions(*each) for each in product(corners or ["tt"], temperatures or [27.0])]
    files = [
        card if len(wanted) == 1 else card.with_stem(f"{card.stem}_{each.corner}_{each.temperature:g}")
        for each in wanted
    ]
    usable(card.parent)
    with Stages(quiet=json) as stages:
        for each, file in zip(wanted, files, strict=True):
            family(name).characterised(each, settings, jobs, stages).save(file)
    if json:
        print_json({"family": name, "cards": files})
    else:
        for file in files:
            console().print(f"  {file}", markup=False)


def replace_part(
    card: Path, part: str, source: Path, output: Path | None, *, json: bool, **given: Any
) -> None:
    """``cimspice fit CSV --model PART --card FILE``: a measured curve in the place of a part of a card.

    Raises
    ------
    TableError, ParameterError
        If the curve or the card cannot be used.
    """
    from cimspice.fit.family_card import Card

    known = Card.load(card)
    changed, remarks = family(known.family).measured(known, part, source, **given)
    file = changed.save(output or card)
    facts = changed.facts()["parts"][part]
    if json:
        print_json({"card": file, "part": part, **facts})
        return
    screen = console()
    screen.print(f"{part}: {facts['origin']}, {source}", markup=False)
    for remark in remarks:
        screen.print(f"  {remark}", markup=False)
    screen.print(f"  {file}", markup=False)
