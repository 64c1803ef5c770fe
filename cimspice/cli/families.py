"""Cards of families on the command line: one is made, and a measured curve put into one."""

from __future__ import annotations

from collections.abc import Sequence
from inspect import signature
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cimspice.errors import ParameterError
from cimspice.families import family
from cimspice.screen.card import origin_of
from cimspice.screen.output import console, print_json

if TYPE_CHECKING:
    from cimspice.fit.table_fit import FitOptions

_NO_SETTINGS = ("conditions", "jobs", "store", "progress")


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

    ParameterError if no file is named, or a condition cannot be.
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
    given = _settings(name, settings)
    wanted = [Conditions(*each) for each in product(corners or ["tt"], temperatures or [27.0])]
    files = [
        card if len(wanted) == 1 else card.with_stem(f"{card.stem}_{each.corner}_{each.temperature:g}")
        for each in wanted
    ]
    usable(card.parent)
    with Stages(quiet=json) as stages:
        for each, file in zip(wanted, files, strict=True):
            family(name).characterise(each, jobs=jobs, progress=stages, **given).save(file)
    if json:
        from cimspice.campaign.versions import provenance

        print_json(
            {
                "family": name,
                "cards": files,
                "seed": given.get("seed"),
                "corner": [each.corner for each in wanted],
                "temperature": [each.temperature for each in wanted],
                "provenance": provenance(),
            }
        )
    else:
        for file in files:
            console().print(f"  {file}", markup=False)


def _settings(name: str, texts: Sequence[str]) -> dict[str, Any]:
    """``NAME=VALUE`` as keywords of the family's ``characterise``: values are TOML or else text, ``a.b=1`` is
    ``a={"b": 1}``.

    ParameterError if a text is not NAME=VALUE, or the family has no such setting.
    """
    from cimspice.campaign.override import settings_of

    own = signature(family(name).characterise).parameters.values()
    known = [each.name for each in own if each.kind is each.KEYWORD_ONLY and each.name not in _NO_SETTINGS]
    takes_others = any(each.kind is each.VAR_KEYWORD for each in own)
    found: dict[str, Any] = {}
    for key, value in settings_of(texts).items():
        outer, dot, inner = key.partition(".")
        if outer in _NO_SETTINGS or not (takes_others or outer in known):
            raise ParameterError(
                f"{name} has no setting {outer!r}"[:200], place="--set", remedy=f"use {', '.join(known)}"
            )
        if dot:
            before = found.get(outer)
            found[outer] = {**(before if isinstance(before, dict) else {}), inner: value}
        else:
            found[outer] = value
    return found


def replace_part(
    card: Path, part: str, source: Path, output: Path | None, given: FitOptions, *, json: bool
) -> None:
    """``cimspice fit CSV --model PART --card FILE``: a measured curve in the place of a part of a card.

    TableError or ParameterError if the curve or the card cannot be used.
    """
    from cimspice.fit.family_card import Card

    known = Card.load(card)
    if not hasattr(family(known.family), "measured"):
        raise ParameterError(
            f"no measured curve makes a part of {known.family}", place="--card", remedy="leave it out"
        )
    changed, name, remarks = family(known.family).measured(known, part, source, given)
    file = changed.save(output or card)
    facts = changed.facts()["parts"][name]
    if json:
        print_json({"card": file, "part": name, **facts, **origin_of(changed)})
        return
    screen = console()
    screen.print(f"{name}: {facts['origin']}, {source}", markup=False)
    for remark in remarks:
        screen.print(f"  {remark}", markup=False)
    screen.print(f"  {file}", markup=False)
