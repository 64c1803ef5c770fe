"""``cimspice schedule``: when each crossbar of a chip computes what of a network."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cimspice.screen.output import JsonFlag, console, print_json

if TYPE_CHECKING:
    from cimspice.fit.family_card import Card
    from cimspice.schedule.element_card import ElementCard
    from cimspice.schedule.graph import Graph
    from cimspice.schedule.placement import Elements
    from cimspice.schedule.plan import Schedule

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
    Path | None, typer.Option("--card", metavar="FILE", help="A card with the part processing_element.")
]
Link = Annotated[
    float | None,
    typer.Option("--link", metavar="BYTES_PER_NS", help="Of each copy's output port; no limit without."),
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
    buffer_rows: BufferRows = None,
    leftover: Leftover = False,
    depthwise: DepthwiseName = "diagonal",
    dense: DenseName = "exclude",
    stride: StrideName = "first",
    input_size: InputSize = None,
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
    from cimspice.schedule.load import load_graph
    from cimspice.schedule.plan import Schedule, Settings

    if extra is not None and pes is not None:
        raise ParameterError("--extra and --pes", place="--pes", remedy="give one of them")
    given = _card(card)
    element, elements = _elements(given, pe, columns_per_weight, depthwise, dense)
    graph = load_graph(network, input_size, stride)  # pyright: ignore[reportArgumentType]
    if table:
        facts = _table_facts(graph, elements)
        print_json(facts) if json else _show_table(facts)
        return
    settings = Settings(
        elements=elements,
        extra=_spare(graph, elements, extra, pes),
        sets=sets,
        split=split,  # pyright: ignore[reportArgumentType]
        objective=objective,  # pyright: ignore[reportArgumentType]
        leftover=leftover,
        images=images,
        link=None if link is None else link * 1e9,
        buffer_rows=None if buffer_rows is None else _rows(buffer_rows),
    )
    found = Schedule(graph, settings, element)
    facts = found.facts() | {"seed": None, **_conditions(given)}
    if output is not None:
        from cimspice.screen.validation_output import usable, write_report

        folder = usable(output)
        facts["files"] = {"report.json": str(folder / "report.json")}
        write_report(facts, folder)
    facts["cpu_seconds"] = time.process_time()
    if json:
        print_json(facts)
        return
    _show(facts, found)


def _card(file: Path | None) -> Card | None:
    """Of any family: its part of processing elements is all that is used."""
    if file is None:
        return None
    from cimspice.fit.family_card import Card

    return Card.load(file)


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
    made = Elements(*size, columns_per_weight, depthwise, dense)  # pyright: ignore[reportArgumentType]
    return replace(element, rows=size[0], columns=size[1], columns_per_weight=columns_per_weight), made


def _spare(graph: Graph, elements: Elements, extra: int | None, pes: int | None) -> int:
    """Crossbars more than the network needs."""
    from cimspice.errors import ParameterError

    if pes is None:
        return extra or 0
    minimum = sum(elements.count(graph, node) for node in graph.base)
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


def _table_facts(graph: Graph, elements: Elements) -> dict[str, Any]:
    return {
        "network": graph.name,
        "input": {"channels": graph.channels, "height": graph.height, "width": graph.width},
        "layers": [
            {
                "name": node.name,
                "kind": node.kind,
                "inputs": list(node.inputs),
                "channels": node.channels,
                "height": node.height,
                "width": node.width,
                "kernel": list(node.kernel),
                "stride": list(node.stride),
                "padding": list(node.padding),
                "dilation": list(node.dilation),
                "groups": node.groups,
                "pixels": node.pixels,
                "pes": elements.count(graph, node),
            }
            for node in graph.nodes
        ],
        "pe": {
            "rows": elements.rows,
            "columns": elements.columns,
            "columns_per_weight": elements.columns_per_weight,
            "minimum": sum(elements.count(graph, node) for node in graph.base),
        },
        "layer_by_layer": {"steps": sum(node.pixels for node in graph.base if elements.uses(node))},
    }


def _show_table(facts: Mapping[str, Any]) -> None:
    from rich.table import Table
    from rich.text import Text

    rows = Table(
        "layer", "kind", "reads", "map", "kernel", "stride", "padding", "crossbars", "MVMs", box=None
    )
    for one in facts["layers"]:
        window = one["kind"] in ("conv", "pool")
        cells = (
            one["name"],
            one["kind"],
            ", ".join(one["inputs"]),
            f"{one['channels']} x {one['height']} x {one['width']}",
            *(" x ".join(map(str, one[key])) if window else "" for key in ("kernel", "stride")),
            ", ".join(map(str, one["padding"])) if window else "",
            f"{one['pes']:,}" if one["pes"] else "",
            f"{one['pixels']:,}" if one["pes"] else "",
        )
        rows.add_row(*map(Text, cells))
    screen = console()
    screen.print(rows)
    screen.print(
        f"{facts['pe']['minimum']:,} crossbars of {facts['pe']['rows']} x {facts['pe']['columns']}, "
        f"{facts['layer_by_layer']['steps']:,} MVMs one layer at a time",
        markup=False,
    )


def _show(facts: Mapping[str, Any], found: Schedule) -> None:
    """The figures on stdout."""
    screen, pe, settings = console(), facts["pe"], facts["settings"]
    crossed, serial, speedup = facts["cross_layer"], facts["layer_by_layer"], facts["speedup"]
    size = "x".join(str(facts["input"][key]) for key in ("channels", "height", "width"))
    lines = (
        f"{facts['network']}, input {size}, on {pe['present']:,} crossbars of {pe['rows']} x {pe['columns']} "
        f"with {pe['columns_per_weight']} columns a weight; it needs {pe['minimum']:,}, copies use "
        f"{pe['used']:,}",
        f"  sets {settings['sets']}, split {settings['split']}, objective {settings['objective']}, dense "
        f"layers {settings['dense']}d, depthwise {settings['depthwise']}, images {facts['images']}",
        f"  an MVM takes {facts['mvm_time_second']:.4g} s ({facts['card']['origin']})",
        f"  one layer at a time: {serial['steps']:,} MVMs, {serial['seconds']:.4g} s, utilisation "
        f"{100 * serial['utilisation']:.3g} %; with the best copies for it {serial['best_steps']:,}",
        f"  across layers: {crossed['steps']:,} MVMs, {crossed['seconds']:.4g} s, utilisation "
        f"{100 * crossed['utilisation']:.3g} %",
        f"  {speedup['over_layer_by_layer']:.2f} times as fast as one layer at a time, "
        f"{speedup['over_best_layer_by_layer']:.2f} times as with the best copies for that",
        f"  slowest layer {facts['bound']['layer']}: no order takes less than {facts['bound']['steps']:,} "
        f"MVMs; an image every {facts['interval_second']:.4g} s",
        f"  buffers: {facts['buffers']['peak_bytes']:,} bytes at most; energy "
        f"{facts['energy']['total_joule']:.3g} J, of it idle {facts['energy']['idle_joule']:.3g} J",
        *(
            f"  one copy more of {one['layer']} ({one['pes']} crossbars): {one['steps']:,.0f} MVMs"
            for one in facts["one_more"][:1]
        ),
        f"  replayed: {facts['replay']['mvms']:,} MVMs, {facts['replay']['missing_reads']} read what was not "
        "written",
    )
    for line in lines:
        screen.print(line, markup=False)
    for path in facts.get("files", {}).values():
        screen.print(f"  {path}", markup=False)
