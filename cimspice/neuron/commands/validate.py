"""``cimspice validate``: the model of the circuit against ngspice, on a trained and on a random network."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from cimspice.families import read_card
from cimspice.screen.output import JsonFlag, print_json
from cimspice.screen.validation_output import usable, write_report

if TYPE_CHECKING:
    from cimspice.fit.family_card import Card
    from cimspice.neuron.characterisation.card import Conditions
    from cimspice.neuron.model.wires import LayerWires
    from cimspice.neuron.validation.network import NeuronValidation
    from cimspice.neuron.validation.tasks import IrisValidation

Flowers = Annotated[int, typer.Option(min=1, max=50, help="How many held-out flowers are compared.")]
Samples = Annotated[int, typer.Option(min=1, help="How many samples are compared.")]
Seed = Annotated[int, typer.Option(min=0, help="Of everything that is drawn.")]
Model = Annotated[
    str,
    typer.Option(
        help="Which model is compared: ideal, constant (the paper's), current, voltage, capacitance, "
        "readout, edges or full."
    ),
]
Corner = Annotated[
    str | None, typer.Option(help="Process corner: tt, ff, ss, sf or fs; default: tt, or the card's.")
]
Temperature = Annotated[
    float | None, typer.Option(help="Degrees Celsius, -55 to 150; default: 27, or the card's.")
]
Synapse = Annotated[str | None, typer.Option(help="mosfet (default) or resistor, or as the card.")]
CardFile = Annotated[
    Path | None,
    typer.Option(
        "--card",
        metavar="FILE",
        help="The neuron's card, instead of characterising it (characterize neuron --card).",
    ),
]
BiasLines = Annotated[
    bool | None,
    typer.Option(
        "--bias-lines/--no-bias-lines",
        help="Of calibrated circuits: one input more in every layer, a line that spikes when the phase "
        "starts; it takes up the charges of the edges. Default: with random networks.",
    ),
]
Jobs = Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="Worker processes.")]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", metavar="FOLDER", help="Figures and report.json; default: runs/validate-..."
    ),
]


_MOST_SIZES = 21
"""Inputs and the layers that one netlist holds (``NetworkParameters.programming``)."""


class SeveralLayers(TyperCommand):
    """Lets ``--layers 16 12 10`` be written as one option with several values."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, list(_joined(args)))


def _joined(words: Sequence[str]) -> Iterator[str]:
    """Words of a command line with the values after ``--layers`` put into one word, separated by commas."""
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word != "--layers" and not word.startswith("--layers="):
            yield word
            continue
        values = [word.partition("=")[2]] if "=" in word else []
        while rest and (not rest[0].startswith("-") or re.fullmatch(r"-[\d.,]+", rest[0])):
            values.append(rest.pop(0))
        yield "--layers"
        if values:
            yield ",".join(values)


def iris(
    samples: Flowers = 50,
    corner: Corner = None,
    temperature: Temperature = None,
    synapse: Synapse = None,
    card: CardFile = None,
    model: Model = "full",
    mapping: Annotated[
        str | None,
        typer.Option(
            help="From the trained network to the circuit: scale (one factor), calibrated (weights fitted on "
            "the emulated circuit) or trained (through the emulated circuit); default: calibrated, of "
            "resistors scale."
        ),
    ] = None,
    network: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Map this network.json of an earlier validation, with the weights it was trained to there, "
            "instead of training one for this corner and temperature.",
        ),
    ] = None,
    bias_lines: BiasLines = None,
    seed: Seed = 0,
    jobs: Jobs = None,
    output: Output = None,
    json: JsonFlag = False,
) -> None:
    """The closed loop on the 5-5-5 Iris network: characterise, fit, train, map, and compare with ngspice.

    Samples and points that were simulated before are not simulated again.
    """
    from cimspice.neuron.training.trained import TrainedNetwork
    from cimspice.neuron.validation.mapped import checked_mapping
    from cimspice.neuron.validation.tasks import validate_iris
    from cimspice.screen.stages import Stages

    conditions, known = asked_conditions(corner, temperature, synapse, jobs, model, card)
    way = checked_mapping(mapping, conditions, bias_lines=bool(bias_lines))
    name = "-".join(["validate-iris", *([mapping] if mapping else [])])
    folder = usable(output or Path("runs") / _name(name, conditions, seed))
    with Stages(quiet=json) as stages:
        result = validate_iris(
            conditions,
            samples=samples,
            seed=seed,
            mapping=way,
            bias_lines=bool(bias_lines),
            network=None if network is None else TrainedNetwork.load(network),
            ablation=model,
            card=known,
            progress=stages,
        )
    again = f"cimspice validate iris --samples {samples}"
    _present(
        result,
        folder,
        seed,
        json,
        {
            f"{again} --corner ss": "another corner: characterised there, trained for it",
            f"{again} --corner ss --network {folder / 'network.json'}": "the same weights there",
            f"{again} --mapping trained": "trained through the circuit's own tables",
            f"{again} --model constant": "the paper's model instead of the full one",
            "cimspice validate random --layers 16 12 10": "a network that nobody tuned",
        },
    )


def random_network(
    layers: Annotated[
        list[str],
        typer.Option(help="Inputs, then neurons of each layer: --layers 16 12 10, or 16,12,10."),
    ],
    samples: Samples = 20,
    corner: Corner = None,
    temperature: Temperature = None,
    synapse: Synapse = None,
    card: CardFile = None,
    model: Model = "full",
    mapping: Annotated[
        str, typer.Option(help="scale: the weights as they are; calibrated: fitted on the emulated circuit.")
    ] = "scale",
    chips: Annotated[
        int | None,
        typer.Option(min=1, help="Also on this many chips: each transistor with its own threshold shift."),
    ] = None,
    bias_lines: BiasLines = None,
    wires: Annotated[
        bool, typer.Option("--wires", help="Rails, spike lines and membranes as wires of the floorplan.")
    ] = False,
    rail_resistance: Annotated[
        float | None,
        typer.Option(min=1e-3, help="Of a rail, from one synapse to the next, in ohm."),
    ] = None,
    seed: Seed = 0,
    jobs: Jobs = None,
    output: Output = None,
    json: JsonFlag = False,
) -> None:
    """A network that nobody trained: random weights of both signs, random spikes."""
    from cimspice.neuron.commands.chips import present_chips
    from cimspice.neuron.validation.chips import validate_chips
    from cimspice.neuron.validation.mapped import checked_mapping
    from cimspice.neuron.validation.tasks import validate_random
    from cimspice.screen.stages import Stages

    sizes = layer_sizes(layers)
    conditions, known = asked_conditions(corner, temperature, synapse, jobs, model, card)
    way = checked_mapping(mapping, conditions, "scale", "calibrated", bias_lines=bool(bias_lines))
    lines = asked_wires(wires, rail_resistance, conditions)
    name = "-".join(["validate-random", *map(str, sizes), *(["wires"] if wires else [])])
    folder = usable(output or Path("runs") / _name(name, conditions, seed))
    with Stages(quiet=json) as stages:
        result = validate_random(
            conditions,
            sizes,
            samples=samples,
            seed=seed,
            mapping=way,
            bias_lines=bias_lines,
            ablation=model,
            card=known,
            wires=lines,
            progress=stages,
        )
        if chips is not None:
            beside = validate_chips(conditions, result.programmed, result.spikes, chips, seed, stages)
            present_chips(beside, result, folder, seed, json)
            return
    again = f"cimspice validate random --layers {' '.join(map(str, sizes))}"
    _present(
        result,
        folder,
        seed,
        json,
        {
            f"{again} --seed {seed + 1}": "another network",
            "cimspice validate iris --samples 50": "a trained network, and the conventional mapping",
        },
    )


def asked_wires(wires: bool, rail_resistance: float | None, conditions: Conditions) -> LayerWires | None:
    """The floorplan's wires, with other rails if asked for; ParameterError for resistor synapses."""
    from dataclasses import replace

    from cimspice.errors import ParameterError
    from cimspice.neuron.model.wires import floorplan_wires

    if not wires:
        if rail_resistance is not None:
            raise ParameterError("rails without wires", place="--rail-resistance", remedy="add --wires")
        return None
    if conditions.synapse != "mosfet":
        raise ParameterError(
            "resistor synapses have no floorplan", place="--wires", remedy="use MOSFET synapses"
        )
    found = floorplan_wires()
    return found if rail_resistance is None else replace(found, rail_resistance=rail_resistance)


def layer_sizes(words: Sequence[str]) -> list[int]:
    """Sizes from the values of ``--layers``, each one number or several with commas.

    ParameterError if one is not a whole number of 1 or more, or there are less than two or more than a
    netlist holds.
    """
    from cimspice.errors import ParameterError

    remedy = "give inputs, then neurons of each layer, for example --layers 16 12 10"
    parts = [part.strip() for word in words for part in word.split(",")]
    for part in parts:
        if not (part.isascii() and part.isdigit()) or int(part) < 1:
            raise ParameterError(
                f"{part!r} is not a whole number of 1 or more", place="--layers", remedy=remedy
            )
    if len(parts) < 2:
        raise ParameterError(f"{parts[0]} alone is not a network", place="--layers", remedy=remedy)
    if len(parts) > _MOST_SIZES:
        raise ParameterError(
            f"{len(parts)} sizes are more than {_MOST_SIZES}", place="--layers", remedy="leave out layers"
        )
    return [int(part) for part in parts]


def asked_conditions(
    corner: str | None,
    temperature: float | None,
    synapse: str | None,
    jobs: int | None,
    model: str,
    file: Path | None,
) -> tuple[Conditions, Card | None]:
    """As asked for; what is not, as the card has it, else tt, 27 °C, mosfet; and the card."""
    from cimspice.neuron.characterisation.card import Conditions, check_card, synapse_of
    from cimspice.neuron.validation.budget import find_ablation

    find_ablation(model)
    card = None if file is None else read_card(file, "neuron")
    known = (card.conditions.corner, card.conditions.temperature, synapse_of(card)) if card else (None,) * 3
    default = ("tt", 27.0, "mosfet")
    wanted: list[Any] = [
        next(value for value in each if value is not None)
        for each in zip((corner, temperature, synapse), known, default, strict=True)
    ]
    conditions = Conditions(*wanted, workers=jobs)
    if card:
        check_card(card, conditions)
    return conditions, card


def _name(kind: str, conditions: Conditions, seed: int) -> str:
    parts = [kind, conditions.corner, f"{conditions.temperature:g}"]
    parts += [conditions.synapse] if conditions.synapse != "mosfet" else []
    return "-".join(parts + ([f"seed{seed}"] if seed else []))


def _present(
    result: IrisValidation | NeuronValidation, folder: Path, seed: int, json: bool, commands: dict[str, str]
) -> None:
    from cimspice.neuron.report.budget import draw_budget
    from cimspice.neuron.report.spikes import draw_spikes
    from cimspice.neuron.report.tables import show_budget, show_result
    from cimspice.neuron.validation.report import report_of
    from cimspice.neuron.validation.tasks import IrisValidation
    from cimspice.screen.tables import show_files, show_next

    validation = result.physical if isinstance(result, IrisValidation) else result
    facts = report_of(result) | {"seed": seed}
    figures = [*draw_spikes(validation, folder), *draw_budget(validation.budget, folder)]
    facts["files"] = {path.name: str(path) for path in figures}
    facts["files"]["report.json"] = str(folder / "report.json")
    if isinstance(result, IrisValidation):
        result.trained.save(folder / "network.json")
        facts["files"]["network.json"] = str(folder / "network.json")
    write_report(facts, folder)
    if json:
        print_json(facts)
        return
    show_result(facts)
    show_budget(facts)
    written = [Path(path) for path in facts["files"].values()]
    show_files([path for path in written if path.suffix in (".png", ".json")])
    show_next(commands)
