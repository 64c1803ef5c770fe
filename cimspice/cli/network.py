"""``cimspice network``: what is in a trained network."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from cimspice.screen.output import JsonFlag, console, print_json

app = typer.Typer(help="Look into a trained network.", no_args_is_help=True)

Given = Annotated[
    str,
    typer.Argument(
        metavar="NAME|FILE",
        help="iris, digits, digits-64, digits-256, digits-cnn, mnist-conv, or a file: .onnx, .npz, "
        ".safetensors, .npy, .csv, .skops, or .toml that says the layers.",
    ),
]
InputShape = Annotated[
    str | None,
    typer.Option("--input", metavar="CxHxW", help="Shape of a sample, where an ONNX file leaves sizes open."),
]


@app.command("show")
def show(network: Given, input_shape: InputShape = None, json: JsonFlag = False) -> None:
    """Its layers, shapes, parameters, multiplications, and what was supposed when it was read."""
    from cimspice.network.load import load_network, sample_shape

    facts = load_network(network, sample_shape(input_shape)).facts()
    if json:
        print_json(facts)
        return
    screen = console()
    screen.print(f"{facts['name']}: {facts['source']}", markup=False)
    screen.print(
        f"input {_sizes(facts['input_shape'])}, output {_sizes(facts['output_shape'])}", markup=False
    )
    screen.print(_table(facts["layers"]))
    screen.print(
        f"{facts['weights']:,} weights, {facts['parameters']:,} parameters, "
        f"{facts['macs']:,} multiplications by weights for a sample",
        markup=False,
    )
    for remark in facts["remarks"]:
        screen.print(f"note: {remark}", markup=False)


def _sizes(shape: list[int]) -> str:
    return " x ".join(map(str, shape)) or "one number"


def _table(layers: list[dict[str, Any]]):
    from rich.table import Table
    from rich.text import Text

    table = Table("layer", "kind", "output", "weights", "parameters", "multiplications", box=None)
    for layer in layers:
        cells = (
            layer["name"],
            layer["kind"],
            _sizes(layer["shape"]),
            _sizes(layer["weights"]) if layer["weights"] else "",
            f"{layer['parameters']:,}" if layer["parameters"] else "",
            f"{layer['macs']:,}" if layer["macs"] else "",
        )
        table.add_row(*map(Text, cells))
    return table
