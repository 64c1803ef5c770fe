"""The resistive memory as a family: its card from ngspice, and measured curves in it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cimspice.errors import ParameterError
from cimspice.fit.family_card import Card
from cimspice.rram.model.card import KINDS, check, with_model

if TYPE_CHECKING:
    from cimspice.fit.table_fit import FitOptions
    from cimspice.pdk import Conditions
    from cimspice.progress import OnProgress

__all__ = ["characterised", "check", "measured"]

_SETTINGS = {"device": str, "transistor": str, "width": float, "length": float}


def characterised(
    conditions: Conditions, settings: Sequence[str], jobs: int | None, progress: OnProgress
) -> Card:
    """The memory's card; ``settings`` are ``device=skywater``, and of the 1T1R cell's transistor
    ``transistor=nfet_g5v0d10v5``, ``width`` and ``length`` (m)."""
    from cimspice.rram.characterise import characterised_card

    return characterised_card(conditions, **settings_of("memory", settings, _SETTINGS), progress=progress)


def settings_of(what: str, texts: Sequence[str], known: dict[str, type]) -> dict[str, Any]:
    """``NAME=VALUE`` as values.

    Raises
    ------
    ParameterError
        For a name that is not known, and a value that is no number where one belongs.
    """
    found: dict[str, Any] = {}
    for text in texts:
        name, _, value = (part.strip() for part in text.partition("="))
        if name not in known:
            raise ParameterError(
                f"a {what} has no setting {name!r}"[:200], place="--set", remedy=f"use {', '.join(known)}"
            )
        try:
            found[name] = known[name](value)
        except ValueError:
            raise ParameterError(
                f"{name} is {value!r}"[:200], place="--set", remedy="give a number in SI units"
            ) from None
    return found


def measured(card: Card, part: str, source: Path, given: FitOptions) -> tuple[Card, str, list[str]]:
    """The card with a measured curve in the place of ``read`` or ``access``, which may be named by the model
    that is fitted, too (``rram_read_sinh``, ``rram_access_transistor``)."""
    name, fitted = fit_part(card, part, source, given)
    return with_model(card, name, fitted), name, remarks_of(fitted)


def fit_part(card: Card, part: str, source: Path, given: FitOptions) -> tuple[str, Any]:
    """The part's name and the model that is fitted to the measured file.

    Raises
    ------
    ParameterError
        For a part that no curve makes or that the card lacks, and a curve of another condition.
    """
    from cimspice.fit.table_fit import fit_measured

    names = {kind.kind: name for name, kind in KINDS.items() if hasattr(kind, "fit") and name in card.parts}
    name = names.get(part, part)
    if name not in names.values():
        raise ParameterError(
            f"no measured curve makes the part {part!r}"[:200],
            place="--model",
            remedy=f"use --model {' or '.join(names.values())}",
        )
    fitted = fit_measured(source, KINDS[name].kind, given).card
    fitted.check_conditions(**card.conditions.model_dump(exclude_none=True))
    return name, fitted


def remarks_of(fitted: Any) -> list[str]:
    """The parameters of a fit, and what it leaves."""
    from cimspice.screen.card import shown

    left = fitted.residual
    return [
        *(f"{name} {shown(record)}" for name, record in fitted.parameters.items()),
        *(
            [f"residual: rms {left.rms:.3g} {left.unit}, {left.percent:.3g} % of the {left.full_scale}"]
            if left
            else []
        ),
    ]
