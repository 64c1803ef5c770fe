"""``cimspice program``: writes, energy and wear of programming a network onto bit-sliced crossbars."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cimspice import __version__
from cimspice.screen.output import JsonFlag, console, print_json, say

if TYPE_CHECKING:
    import pandas as pd

    from cimspice.crossbar.programming.life import Life
    from cimspice.crossbar.programming.networks import Network
    from cimspice.crossbar.programming.plan import Plan
    from cimspice.rram.model.write_cost import WriteCost

NetworkName = Annotated[
    str,
    typer.Option(
        "--network", metavar="NAME|FILE",
        help="iris, digits, digits-64, digits-256, digits-cnn, mnist-conv, a file as of cimspice network "
        "show, or resnet50 or vit-base (shapes, drawn weights).",
    ),
]  # fmt: skip
Data = Annotated[
    Path | None,
    typer.Option("--data", metavar="FILE", help="Samples for a network from a file: .npz, .npy or .csv."),
]
InputShape = Annotated[
    str | None,
    typer.Option("--input", metavar="CxHxW", help="Shape of a sample, where an ONNX file leaves sizes open."),
]
Bits = Annotated[int, typer.Option(help="Columns of powers of two, 1 to 15.")]
Sign = Annotated[str, typer.Option(help="Where signs are held: column (one more cell per row) or periphery.")]
Rows = Annotated[int, typer.Option(help="Rows of a crossbar.")]
Crossbars = Annotated[int, typer.Option(help="Physical crossbars, written side by side.")]
Order = Annotated[str, typer.Option(help="unsorted, sorted (by magnitude), gray or hamming.")]
Scope = Annotated[
    str, typer.Option(help="A section takes weights of one output, or of the whole layer: output or layer.")
]
Choice = Annotated[
    str | None,
    typer.Option(
        help="Cells rewritten: exact, random (bit stucking), largest or nearest. Default: random if "
        "--stuck-columns or --fraction is given, else nearest."
    ),
]
Columns = Annotated[
    int | None, typer.Option("--stuck-columns", help="Low-order columns written only in part; default: 3.")
]
Fraction = Annotated[
    float | None, typer.Option(help="Fraction p of differing cells rewritten in these columns; default: 0.5.")
]
Price = Annotated[float, typer.Option(help="nearest: squared error, in levels², that a write must save.")]
Distribution = Annotated[
    str, typer.Option(help="Of drawn weights: gaussian, laplace or student (5 degrees of freedom).")
]
Card = Annotated[
    Path | None,
    typer.Option(
        "--write-cost",
        metavar="CARD|simulated",
        help="Model card of the kind write_cost, or simulated: a SET and a RESET of a 1T1R cell in ngspice.",
    ),
]
CostOutput = Annotated[
    Path | None,
    typer.Option("--save-write-cost", metavar="CARD.json", help="Write the cost that is used to a card."),
]
Seed = Annotated[int, typer.Option(min=0, help="Of training or drawing weights, and of random choices.")]
Sweep = Annotated[bool, typer.Option("--sweep", help="Sweep orders, choices and settings; needs --output.")]
LifeFlag = Annotated[
    bool, typer.Option("--life", help="Accuracy over life of an array that switches between networks.")
]
Switched = Annotated[int, typer.Option("--networks", min=1, help="Networks that --life switches between.")]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FOLDER", help="Figures, tables and report.json.")
]


def program(
    network: NetworkName = "digits-256",
    data: Data = None,
    input_shape: InputShape = None,
    bits: Bits = 8,
    rows: Rows = 128,
    crossbars: Crossbars = 16,
    sign: Sign = "column",
    order: Order = "hamming",
    scope: Scope = "output",
    choice: Choice = None,
    stuck_columns: Columns = None,
    fraction: Fraction = None,
    price: Price = 4.0,
    distribution: Distribution = "gaussian",
    write_cost: Card = None,
    save_write_cost: CostOutput = None,
    seed: Seed = 0,
    sweep: Sweep = False,
    life: LifeFlag = False,
    networks: Switched = 4,
    output: Output = None,
    json: JsonFlag = False,
) -> None:
    """Program a network onto bit-sliced memristive crossbars and count the writes of every cell.

    The layers follow one another on the same crossbars. Compared are the baseline (unsorted, all cells that
    differ are written), sorted sections, the published scheme (sorted, bits stuck at random) and the plan
    chosen by the options.
    """
    from cimspice.crossbar.programming.plan import Plan
    from cimspice.errors import ParameterError
    from cimspice.screen.validation_output import usable, write_report

    stucking = stuck_columns is not None or fraction is not None
    plan = Plan(
        bits=bits,
        sign=sign,  # pyright: ignore[reportArgumentType] (words are checked by the plan)
        rows=rows,
        crossbars=crossbars,
        order=order,  # pyright: ignore[reportArgumentType] (likewise)
        scope=scope,  # pyright: ignore[reportArgumentType] (likewise)
        choice=choice or ("random" if stucking else "nearest"),  # pyright: ignore[reportArgumentType] (likewise)
        stuck_columns=max(0, min(3, bits)) if stuck_columns is None else stuck_columns,
        fraction=0.5 if fraction is None else fraction,
        price=price,
    )
    plan.write_choice()  # says what is wrong with it before anything is trained
    if sweep and life:
        raise ParameterError("--sweep and --life together", place="command line", remedy="run them apart")
    if (sweep or life) and output is None:
        raise ParameterError(
            f"--{'sweep' if sweep else 'life'} without a folder",
            place="--output",
            remedy="add --output FOLDER",
        )
    cost, origin = _cost(write_cost, save_write_cost, quiet=json)
    folder = None if output is None else usable(output)
    if life:
        facts = _life(plan, cost, networks, network, seed, folder, quiet=json)
    else:
        given = _network(network, data, input_shape, distribution, seed)
        if sweep:
            facts = _sweep(given, plan, cost, seed, folder, quiet=json)
        else:
            facts = _compare(given, plan, cost, seed, folder, quiet=json)
    facts |= origin
    if folder is not None:
        facts["files"] = sorted(str(path) for path in folder.iterdir() if path.is_file())
        write_report(facts, folder)
    if json:
        print_json(facts)


def _cost(card: Path | None, save: Path | None, *, quiet: bool) -> tuple[WriteCost, dict[str, Any]]:
    """Cost from a card, from two pulses in ngspice, or as assumed; saved as a card if asked for. And corner,
    temperature and versions that it comes from."""
    from cimspice.fit.card import ModelCard
    from cimspice.rram.model.write_cost import WriteCost

    origin: dict[str, Any] = {"cimspice": __version__}
    if card is None:
        cost = WriteCost()
    elif str(card) == "simulated":
        from cimspice.campaign.versions import provenance
        from cimspice.rram.validation.cell import CircuitCell, simulated_write_cost

        if not quiet:
            say("a SET and a RESET of a 1T1R cell in ngspice")
        cell = CircuitCell()
        cost = simulated_write_cost(cell)
        origin = {"corner": cell.corner, "temperature": cell.temperature, **provenance()}
    else:
        loaded = ModelCard.load(card, WriteCost)
        cost = loaded.model_of(WriteCost)
        origin |= loaded.provenance
    if save is not None:
        ModelCard.from_model(cost, origin).save(save)
    conditions = {name: origin.pop(name, None) for name in ("corner", "temperature")}
    return cost, {**conditions, "provenance": origin}


def _network(name: str, data: Path | None, input_shape: str | None, distribution: str, seed: int) -> Network:
    from cimspice.crossbar.programming.networks import named_network, trained_network
    from cimspice.errors import ParameterError
    from cimspice.network.data import load_data
    from cimspice.network.load import is_file, load_network, sample_shape

    if is_file(name):
        network = load_network(name, sample_shape(input_shape))
        given = None if data is None else load_data(data, network)
        x, labels = (None, None) if given is None else (given.x, given.y)
        return trained_network(network, x, labels, seed=seed)
    if data is not None or input_shape is not None:
        raise ParameterError(
            f"--data or --input for {name}", place="--network", remedy="give them with a network from a file"
        )
    return named_network(name, distribution, seed)  # pyright: ignore[reportArgumentType] (checked there)


def _compare(
    network: Network, plan: Plan, cost: WriteCost, seed: int, folder: Path | None, *, quiet: bool
) -> dict[str, Any]:
    from cimspice.crossbar.programming.comparison import compare, compared_plans
    from cimspice.crossbar.programming.memory import check_memory

    _announce(network, check_memory(network, list(compared_plans(plan).values())), quiet)
    facts, done = compare(network, plan, cost, seed=seed, progress=_progress(network, quiet))
    if folder is not None:
        import pandas as pd

        from cimspice.crossbar.report.programming import draw_methods

        draw_methods(facts["methods"], done, folder)
        _write_csv(pd.DataFrame(facts["layers"]), folder / "layers.csv")
        _write_csv(pd.DataFrame(facts["methods"]), folder / "methods.csv")
    if not quiet:
        _show(facts)
    return facts


def _sweep(
    network: Network, plan: Plan, cost: WriteCost, seed: int, folder: Path | None, *, quiet: bool
) -> dict[str, Any]:
    from cimspice.crossbar.programming.memory import check_memory
    from cimspice.crossbar.programming.sweep import SMALL_NETWORK, gains, sweep, sweep_plans

    plans = sweep_plans(plan, wide=network.weights <= SMALL_NETWORK)
    _announce(network, check_memory(network, plans), quiet)
    table = sweep(network, plan, cost, seed=seed, progress=_progress(network, quiet))
    gained = gains(table)
    if folder is not None:
        from cimspice.crossbar.report.programming import draw_front

        draw_front(table, folder)
        _write_csv(table, folder / "sweep.csv")
        _write_csv(gained, folder / "gains.csv")
    if not quiet:
        _print_rows(
            "writes of the published scheme over those of the method, at no larger output error", gained
        )
    return {
        "network": network.name,
        "source": network.source,
        "inputs": network.inputs,
        "seed": seed,
        "points": len(table),
        "gains": gained,
    }


def _life(
    plan: Plan, cost: WriteCost, count: int, name: str, seed: int, folder: Path | None, *, quiet: bool
) -> dict[str, Any]:
    from cimspice.crossbar.programming.comparison import compared_plans
    from cimspice.crossbar.programming.life import life
    from cimspice.crossbar.programming.networks import trained_network
    from cimspice.errors import ParameterError
    from cimspice.network.built_in_networks import TRAINED_HERE

    if name not in TRAINED_HERE:
        raise ParameterError(
            f"life of an array that switches between networks as {name}",
            place="--network",
            remedy=f"choose from {', '.join(TRAINED_HERE)}, trained with as many seeds",
        )
    networks = [trained_network(name, seed=seed + number) for number in range(count)]
    lives: dict[str, Life] = {}
    for method, one in compared_plans(plan).items():
        if not quiet:
            say(f"{method}: {count} networks in turn")
        lives[method] = life(networks, one, cost, seed=seed)
    if folder is not None:
        import pandas as pd

        from cimspice.crossbar.report.programming import draw_life

        draw_life(lives, folder)
        frames = [one.table.assign(method=method) for method, one in lives.items()]
        _write_csv(pd.concat(frames, ignore_index=True), folder / "life.csv")
    facts = {
        "networks": count,
        "seed": seed,
        "source": networks[0].source,
        "write_cost": {**cost.parameters(), "endurance_law": cost.endurance_law, "origin": cost.origin},
        "methods": [
            {
                "method": method,
                **one.plan.parameters,
                "writes_per_switch": one.writes_per_switch,
                "first_failure_switches": one.first_failure,
                "lifetime_switches": one.lifetime,
                "loss": one.loss,
                "accuracy_unworn": one.table["accuracy"].iloc[0],
            }
            for method, one in lives.items()
        ],
    }
    if not quiet:
        import pandas as pd

        shown = [
            "method",
            "writes_per_switch",
            "first_failure_switches",
            "lifetime_switches",
            "accuracy_unworn",
        ]
        _print_table("life, in model switches", pd.DataFrame(facts["methods"])[shown])
        console().print(f"cost of a write: {cost.origin}", markup=False)
    return facts


def _announce(network: Network, memory: int, quiet: bool) -> None:
    if not quiet:
        say(f"{network.name}: {network.weights:,} weights, about {memory / 2**30:.2g} GiB of memory")


def _progress(network: Network, quiet: bool):
    return lambda layer: None if quiet or len(network.layers) < 10 else say(f"  {layer}")


def _write_csv(table: pd.DataFrame, path: Path) -> None:
    from cimspice.files import write_atomically

    write_atomically(path, lambda place: table.to_csv(place, index=False))


def _show(facts: dict[str, Any]) -> None:
    import pandas as pd

    columns = ["method", "writes", "reduction", "energy_joule", "time_second", "max_writes_per_cell",
               "lifetime_passes", "output_error", "reads_per_section"]  # fmt: skip
    if facts["accuracy_trained"] is not None:
        columns.append("accuracy_change")
    _print_table(f"{facts['network']}, {facts['weights']:,} weights", pd.DataFrame(facts["methods"])[columns])
    for label, text in (
        ("weights", facts["source"]),
        ("baseline", facts["baseline"]),
        ("output error", facts["inputs"]),
        ("cost of a write", facts["write_cost"]["origin"]),
    ):
        console().print(f"{label}: {text}", markup=False)


def _print_table(title: str, frame: pd.DataFrame) -> None:
    """A quantity per line, a column per row of the frame."""
    from rich.table import Table

    first, *rest = frame.columns
    table = Table("", *map(str, frame[first]), title=title, box=None, title_justify="left")
    for name in rest:
        table.add_row(name.replace("_", " "), *map(_cell, frame[name].tolist()))
    console().print(table)


def _print_rows(title: str, frame: pd.DataFrame) -> None:
    """A line per row of the frame."""
    from rich.table import Table

    table = Table(*map(str, frame.columns), title=title, box=None, title_justify="left")
    for row in frame.itertuples(index=False):
        table.add_row(*map(_cell, row))
    console().print(table)


def _cell(value: float | int | str | None) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
