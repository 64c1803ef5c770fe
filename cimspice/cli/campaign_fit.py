"""The fits that a campaign file asks for, from the run's table, as model cards in the run folder."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from cimspice.campaign.fit_request import FitRequest
from cimspice.errors import CimspiceError, ParameterError
from cimspice.files import refuse_link
from cimspice.fit.named import recipe
from cimspice.fit.prepare import prepare
from cimspice.fit.table_fit import fit_table, split, words


@dataclass(frozen=True)
class CampaignFits:
    """Model cards that were written, and a sentence for each fit that could not be made."""

    cards: list[Path]
    problems: list[str]


def check_models(fits: Sequence[FitRequest], source: str) -> None:
    """Whether all models are known, with the columns and options they are given: before anything is run.

    ParameterError, naming the file and the key.
    """
    for index, request in enumerate(fits):
        place = f"{source}, fit[{index}]"
        try:
            known = recipe(request.model)
        except ParameterError as error:
            raise ParameterError(error.message, place=f"{place}.model", remedy=error.remedy) from None
        for key, names, allowed in (
            ("columns", request.columns, known.schema.columns),
            ("options", request.options, (*known.options, *words(known))),
        ):
            for name in names:
                if name not in allowed:
                    raise ParameterError(
                        f"{known.kind} has no {key[:-1]} {name!r}",
                        place=f"{place}.{key}",
                        remedy=f"it has {', '.join(allowed) or 'none'}",
                    )


def fit_campaign(table: pd.DataFrame, fits: Sequence[FitRequest], run: Path) -> CampaignFits:
    """Make the fits and write their cards into ``cards`` of a run folder.

    A fit that cannot be made is reported and does not stop the others.
    """
    folder = run / "cards"
    refuse_link(folder)
    written, problems = [], []
    for request in fits:
        known = recipe(request.model)
        for group in request.groups(table):
            where = {**request.where, **group}
            place = f"fit of {known.kind}" + "".join(f", {name} = {value}" for name, value in where.items())
            try:
                given, options = split(known, request.options)
                rows = prepare(
                    table, known.schema, columns=request.columns, where=where, constants=given, place=place
                )
                card = fit_table(known, rows, {**where, "columns": request.columns}, options, place).card
            except CimspiceError as error:
                problems.append(f"{place}: {error.message}")
                continue
            path = folder / f"{_name(known.kind, group)}.json"
            card.save(path)
            written.append(path)
    return CampaignFits(written, problems)


def _name(kind: str, group: dict[str, Any]) -> str:
    """File name: the model, then what distinguishes this fit from the others."""
    parts = [f"{value:g}" if isinstance(value, float) else str(value) for value in group.values()]
    return re.sub(r"[^A-Za-z0-9.+-]+", "_", "_".join([kind, *parts]))
