"""``cimspice fit``: models from characterised or measured curves, with intervals, residuals and cards."""

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from cimspice.cli.completion import models
from cimspice.screen.output import JsonFlag


class _Group(TyperGroup):
    """``cimspice fit RUN --model NAME``: what is no command is a table."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the hidden command's name before a table."""
        if args and args[0] not in (*self.commands, "--help"):
            args = [_TABLE, *args]
        return super().parse_args(ctx, args)


_TABLE = "table"
app = typer.Typer(
    cls=_Group,
    help="Fit models to simulated or measured tables: cimspice fit RUN|CSV --model NAME, or a command.",
    no_args_is_help=True,
)


@app.command(_TABLE)
def table(
    source: Annotated[
        Path, typer.Argument(metavar="RUN|CSV", help="A run folder, its table.parquet, or a CSV file.")
    ],
    model: Annotated[
        str,
        typer.Option(
            help="Kind of model (cimspice list models); synapse, gate_law: the best of them.",
            autocompletion=models,
        ),
    ],
    column: Annotated[
        list[str] | None,
        typer.Option(metavar="MODEL=TABLE", help="The table's column that the model knows by another name."),
    ] = None,
    unit: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN=UNIT", help="Unit of a CSV's column that does not say it (current=uA)."),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN=VALUE", help="Fit only the rows that have this value; may be repeated."),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Of the model's own fit: degree=3, polarity=n."),
    ] = None,
    fix: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="A parameter that is not fitted: series_resistance=0 (SI)."),
    ] = None,
    weight: Annotated[
        str,
        typer.Option(
            metavar="absolute|relative|COLUMN",
            help="Noise: the same everywhere, in proportion to the value, or a column of standard "
            "deviations; default for measured data: the more probable of the first two.",
        ),
    ] = "",
    card: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A family's card: the measured curve takes the place of the part that --model names.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="CARD.json",
            help="Default: MODEL.json, beside the table; with --card, that file.",
        ),
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Fit any table that has the columns which the model needs: a run of simulations, or measured data."""
    from cimspice.cli.families import replace_part
    from cimspice.cli.table_fit import fit_source, pairs, show, write
    from cimspice.fit.table_fit import FitOptions

    given = FitOptions(
        columns=pairs("--column", column or []),
        units=pairs("--unit", unit or []),
        where=pairs("--where", where or []),
        options=pairs("--option", option or []),
        fixed=pairs("--fix", fix or []),
        weight=weight,
    )
    if card is not None:
        replace_part(card, model, source, output, given, json=json)
        return
    result = fit_source(source, model, given)
    folder = source if source.is_dir() else source.parent
    show(result, write(result, output or folder / f"{result.recipe.kind}.json"), as_json=json)
