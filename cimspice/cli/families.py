"""Cards of families on the command line: one is made, and a measured curve put into one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from cimspice.errors import ParameterError
from cimspice.families import family
from cimspice.screen.output import console, print_json

if TYPE_CHECKING:
    from cimspice.fit.table_fit import FitOptions


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
    card: Path, part: str, source: Path, output: Path | None, given: FitOptions, *, json: bool
) -> None:
    """``cimspice fit CSV --model PART --card FILE``: a measured curve in the place of a part of a card.

    Raises
    ------
    TableError, ParameterError
        If the curve or the card cannot be used.
    """
    from cimspice.fit.family_card import Card

    known = Card.load(card)
    changed, name, remarks = family(known.family).measured(known, part, source, given)
    file = changed.save(output or card)
    facts = changed.facts()["parts"][name]
    if json:
        print_json({"card": file, "part": name, **facts})
        return
    screen = console()
    screen.print(f"{name}: {facts['origin']}, {source}", markup=False)
    for remark in remarks:
        screen.print(f"  {remark}", markup=False)
    screen.print(f"  {file}", markup=False)
