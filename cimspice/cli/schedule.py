"""``cimspice schedule``: when each crossbar of a chip computes what of a network."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from cimspice.cli.schedule_output import show_runs, show_schedule, show_table, table_facts
from cimspice.screen.output import JsonFlag, print_json

if TYPE_CHECKING:
    from cimspice.fit.family_card import Card
    from cimspice.schedule.element_card import ElementCard
    from cimspice.schedule.engine import Split
    from cimspice.schedule.graph import Graph
    from cimspice.schedule.networks import Stride
    from cimspice.schedule.placement import Dense, Depthwise, Elements
    from cimspice.schedule.plan import Objective, Settings

_LARGEST_FILE = 2**20

Net = Annotated[
    str,
    typer.Argument(
        metavar="NETWORK|FILE",
        help="tinyyolov3, tinyyolov4, vgg16, vgg19, resnet50, resnet101, resnet152, mobilenetv2, digits-cnn, "
        "or a file: .onnx, or .toml that says the layers' shapes.",
    ),
]
Size = Annotated[
    str | None, typer.Option("--pe", metavar="RxC", help="Rows and columns of a crossbar [256x256].")
]
Weight = Annotated[
    int | None,
    typer.Option(
        "--columns-per-weight",
        help="1: one cell a weight; 2: differential pairs; times slices of weights [1].",
    ),
]
Extra = Annotated[int | None, typer.Option("--extra", help="Crossbars more than the network needs [0].")]
Pes = Annotated[int | None, typer.Option("--pes", help="Instead: crossbars in all.")]
SetSize = Annotated[
    str, typer.Option("--sets", metavar="pixel|row|map|RxC", help="Pixels that are done together.")
]
SplitName = Annotated[
    str,
    typer.Option("--split", metavar="cyclic|shared|stripes", help="How copies of a layer share its sets."),
]
Goal = Annotated[
    str,
    typer.Option(
        "--objective",
        metavar="slowest|sum|makespan",
        help="What copies make least: the slowest layer, the sum of all layers, or the schedule itself.",
    ),
]
Images = Annotated[int, typer.Option("--images", help="Images one after another.")]
CardFile = Annotated[
    Path | None,
    typer.Option(
        "--card",
        metavar="FILE",
        help="A card with the part processing_element; crossbar, sram and hybrid come with cimspice.",
    ),
]
Link = Annotated[
    float | None,
    typer.Option("--link", metavar="BYTES_PER_NS", help="Of each copy's output port; no limit without."),
]
RowTime = Annotated[
    float,
    typer.Option("--row-time", metavar="SECONDS", help="From one row of the input to the next; 0: at once."),
]
BufferRows = Annotated[
    str | None,
    typer.Option(
        "--buffer-rows", metavar="N|FILE", help="Rows of every map in its buffer, or a TOML file of layers."
    ),
]
Leftover = Annotated[
    bool, typer.Option("--leftover", help="Spare crossbars that do not fit the slowest layer go to the next.")
]
DepthwiseName = Annotated[str, typer.Option("--depthwise", metavar="diagonal|dense|digital")]
DenseName = Annotated[str, typer.Option("--dense", metavar="include|exclude")]
StrideName = Annotated[
    str,
    typer.Option("--stride", metavar="first|spatial", help="Where residual networks have it: v1 or v1.5."),
]
InputSize = Annotated[
    str | None, typer.Option("--input", metavar="HxW", help="Of the input; by default the network's own.")
]
Table = Annotated[bool, typer.Option("--table", help="List the layers, and schedule nothing.")]
Reprogram = Annotated[
    bool,
    typer.Option("--reprogram", help="With fewer --pes than are needed: in runs, programmed for each batch."),
]
WriteCostCard = Annotated[
    Path | None,
    typer.Option(
        "--write-cost", metavar="CARD", help="Model card of the kind write_cost, in place of what is assumed."
    ),
]
SweepTo = Annotated[
    int | None,
    typer.Option(
        "--sweep", min=1, help="Also with fewer and more spare crossbars, up to so many, in both splits."
    ),
]
Jobs = Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="Worker processes of the sweep.")]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FOLDER", help="report.json and the page.")
]


def schedule(
    network: Net,
    table: Table = False,
    pe: Size = None,
    columns_per_weight: Weight = None,
    extra: Extra = None,
    pes: Pes = None,
    sets: SetSize = "row",
    split: SplitName = "cyclic",
    objective: Goal = "slowest",
    images: Images = 1,
    card: CardFile = None,
    link: Link = None,
    row_time: RowTime = 0.0,
    buffer_rows: BufferRows = None,
    leftover: Leftover = False,
    depthwise: DepthwiseName = "diagonal",
    dense: DenseName = "exclude",
    stride: StrideName = "first",
    input_size: InputSize = None,
    reprogram: Reprogram = False,
    write_cost: WriteCostCard = None,
    to: SweepTo = None,
    jobs: Jobs = None,
    output: Output = None,
    json: JsonFlag = False,
) -> None:
    """When each crossbar computes what of a network, and what copies of slow layers bring.

    Layers overlap: a set of pixels starts as soon as all that it reads is done and its crossbars are free.
    Spare crossbars go one copy after another to the layer with most ceil(pixels / copies), among equals to
    the cheaper, then the earlier, until the first that does not fit. Times come from the card; without one
    they are assumed.
    """
    from cimspice.errors import ParameterError
    from cimspice.schedule.facts import schedule_facts
    from cimspice.schedule.load import load_graph
    from cimspice.schedule.plan import Schedule, Settings
    from cimspice.screen.stages import Stages

    if extra is not None and pes is not None:
        raise ParameterError("--extra and --pes", place="--pes", remedy="give one of them")
    given = None if card is None else packaged_or(card)
    element, elements = _elements(given, pe, columns_per_weight, depthwise, dense)
    graph = load_graph(network, input_size, cast("Stride", stride))  # each name is checked where it is used
    if table:
        facts = table_facts(graph, elements)
        print_json(facts) if json else show_table(facts)
        return
    minimum = sum(elements.count(graph, node) for node in graph.base)
    if reprogram and pes is not None and pes < minimum:
        facts = _run_facts(graph, elements, element, pes, minimum, images, sets, split, write_cost)
        facts |= {"seed": None, **_conditions(given), "cpu_seconds": time.process_time()}
        print_json(facts) if json else show_runs(facts)
        return
    settings = Settings(
        elements=elements,
        extra=_spare(graph, minimum, extra, pes),
        sets=sets,
        split=cast("Split", split),
        objective=cast("Objective", objective),
        leftover=leftover,
        images=images,
        link=None if link is None else link * 1e9,
        row_time=row_time,
        buffer_rows=None if buffer_rows is None else _rows(buffer_rows),
    )
    with Stages(quiet=json) as stages:
        found = Schedule(graph, settings, element, stages)
        _ = found.copies
    facts = schedule_facts(found) | {"seed": None, **_conditions(given)}
    front = [] if to is None else _front(graph, settings, element, to, jobs, quiet=json)
    facts["sweep"] = front or None
    if output is not None:
        from cimspice.report.page_schedule import write_schedule_page
        from cimspice.screen.validation_output import usable, write_report

        folder = usable(output)
        page = write_schedule_page(found, facts, folder, front)
        facts["files"] = {path.name: str(path) for path in (page, folder / "report.json")}
        write_report(facts, folder)
    facts["cpu_seconds"] = time.process_time()
    if json:
        print_json(facts)
        return
    show_schedule(facts)


def packaged_or(file: Path) -> Card:
    """A card of any family, whose part of processing elements is all that is used; ``crossbar``,
    ``sram`` and ``hybrid`` are those that come with cimspice."""
    from cimspice.fit.family_card import Card
    from cimspice.resources import data_directory

    packaged = data_directory("cards") / f"{file}.json"
    return Card.load(packaged if packaged.exists() and not file.exists() else file)


def _front(
    graph: Graph, settings: Settings, element: ElementCard, to: int, jobs: int | None, *, quiet: bool
) -> list[dict[str, Any]]:
    """Schedules with up to so many spare crossbars, cyclic and shared."""
    import os

    from cimspice.schedule.sweep import sweep
    from cimspice.screen.stages import Stages

    extras = sorted({round(to * part / 16) for part in range(17)})
    with Stages(quiet=quiet) as stages:
        return sweep(
            graph, settings, element, extras, ("cyclic", "shared"), jobs=jobs or os.cpu_count() or 1,
            progress=stages,
        )  # fmt: skip


def _conditions(card: Card | None) -> dict[str, Any]:
    own = None if card is None else card.conditions
    return {"corner": own and own.corner, "temperature": own and own.temperature}


def _elements(
    card: Card | None, pe: str | None, columns_per_weight: int | None, depthwise: str, dense: str
) -> tuple[ElementCard, Elements]:
    """What one crossbar takes, and the crossbars; a card's size is theirs."""
    import re
    from dataclasses import replace

    from cimspice.errors import ParameterError
    from cimspice.schedule.element_card import ElementCard, element_of
    from cimspice.schedule.placement import Elements

    element = ElementCard() if card is None else element_of(card)
    size = (element.rows, element.columns)
    if pe is not None:
        if not re.fullmatch(r"[1-9]\d{0,5}x[1-9]\d{0,5}", pe):
            raise ParameterError(
                f"crossbars {pe!r}"[:200], place="--pe", remedy="give rows and columns such as 256x256"
            )
        rows, columns = pe.split("x")
        size = int(rows), int(columns)
    if columns_per_weight is None:
        columns_per_weight = element.columns_per_weight
    own = (element.rows, element.columns, element.columns_per_weight)
    if card is not None and (*size, columns_per_weight) != own:
        raise ParameterError(
            f"the card is of crossbars of {own[0]} x {own[1]} with {own[2]} columns a weight, not "
            f"{size[0]} x {size[1]} with {columns_per_weight}",
            place="--card",
            remedy="leave --pe and --columns-per-weight out, or give a card of this size",
        )
    made = Elements(*size, columns_per_weight, cast("Depthwise", depthwise), cast("Dense", dense))
    return replace(element, rows=size[0], columns=size[1], columns_per_weight=columns_per_weight), made


def _spare(graph: Graph, minimum: int, extra: int | None, pes: int | None) -> int:
    """Crossbars more than the network needs."""
    from cimspice.errors import ParameterError

    if pes is None:
        return extra or 0
    if pes < minimum:
        raise ParameterError(
            f"{pes} crossbars for {graph.name}, which needs {minimum}",
            place="--pes",
            remedy=f"give {minimum} or more, or --reprogram",
        )
    return pes - minimum


def _rows(given: str) -> int | dict[str, int]:
    """Of every buffer, or by layer from a file."""
    from cimspice.documents import parse_toml
    from cimspice.errors import ParameterError
    from cimspice.files import read_plain

    if given.lstrip("-").isdigit():
        return int(given)
    try:
        rows = parse_toml(read_plain(Path(given), _LARGEST_FILE))
    except (OSError, ValueError) as error:
        raise ParameterError(
            f"no rows of buffers: {getattr(error, 'strerror', None) or error}"[:300],
            place=given[:200],
            remedy="give a number, or a TOML file with a line such as conv1 = 6 for each layer",
        ) from None
    for name, count in rows.items():
        if isinstance(count, bool) or not isinstance(count, int):
            raise ParameterError(
                f"{name} = {count!r}"[:200], place=given[:200], remedy="give a whole number of rows"
            )
    return rows


def _run_facts(
    graph: Graph,
    elements: Elements,
    element: ElementCard,
    pes: int,
    minimum: int,
    images: int,
    sets: str,
    split: str,
    write_cost: Path | None,
) -> dict[str, Any]:
    """Of a network that is larger than the chip."""
    from dataclasses import asdict

    from cimspice.fit.card import ModelCard
    from cimspice.rram.model.write_cost import WriteCost
    from cimspice.schedule.engine import Sets
    from cimspice.schedule.plan import Settings
    from cimspice.schedule.runs import Write, cut

    settings = Settings(elements, sets=sets, split=cast("Split", split), images=images)
    cost = WriteCost() if write_cost is None else ModelCard.load(write_cost, WriteCost).model_of(WriteCost)
    write = Write((cost.set_time + cost.reset_time) / 2, (cost.set_energy + cost.reset_energy) / 2)
    time, sizes = element.time_per_mvm, Sets.of(sets)
    runs = cut(
        graph, elements, pes, images=images, sets=sizes, split=settings.split, mvm_time=time, write=write
    )
    programming, steps = sum(run.program_seconds for run in runs), sum(run.steps for run in runs)
    cells = sum(run.cells for run in runs)
    whole = programming + steps * time
    return {
        "network": graph.name,
        "input": {"channels": graph.channels, "height": graph.height, "width": graph.width},
        "settings": {"sets": sets, "split": split, "dense": elements.dense, "depthwise": elements.depthwise},
        "card": {"origin": element.origin, "write": cost.origin},
        "mvm_time_second": time,
        "pe": {
            "rows": elements.rows,
            "columns": elements.columns,
            "columns_per_weight": elements.columns_per_weight,
            "minimum": minimum,
            "present": pes,
        },
        "images": images,
        "runs": [asdict(run) for run in runs],
        "program": {"cells": cells, "seconds": programming, "joule": cells * write.energy},
        "work": {"steps": steps, "seconds": steps * time},
        "total_second": whole,
        "image_second": whole / images,
    }
