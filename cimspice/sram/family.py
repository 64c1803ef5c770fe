"""The 6T array as a family: its card from ngspice or with a measured curve, and layers from a card."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from cimspice.errors import ParameterError
from cimspice.families import read_card
from cimspice.fit.family_card import REMEDY, Card
from cimspice.pdk import Conditions
from cimspice.progress import OnProgress, silent
from cimspice.sram.model.card import CELL_CURRENT, FAMILY, LINE_CURRENT, sram_fit, with_measured_current

if TYPE_CHECKING:
    import numpy as np

    from cimspice.campaign import Store
    from cimspice.fit.table_fit import FitOptions
    from cimspice.network.simulated import SimulatedSums
    from cimspice.sram.characterisation.conditions import SramConditions
    from cimspice.sram.emulator.circuit import SramCircuit
    from cimspice.sram.emulator.layer import SramLayer
    from cimspice.sram.emulator.mapped_layer import MappedLayer
    from cimspice.sram.emulator.periphery import Periphery
    from cimspice.sram.mapping.format import WordFormat
    from cimspice.sram.model.bit_line import BitLines
    from cimspice.sram.validation.layer_passes import PassReads
    from cimspice.sram.validation.read import SramValidation


def characterise(
    conditions: Conditions = Conditions(),  # noqa: B008 - it is frozen
    *,
    unit_width: float = 60e-12,
    largest_code: int = 15,
    settle: float = 250e-12,
    cells: int = 100,
    passes: bool = False,
    element: bool = False,
    jobs: int | None = None,
    store: Store | Path | str | None = None,
    progress: OnProgress = silent,
    **array: Any,
) -> Card:
    """The array's card from ngspice; what was simulated before is taken from the store.

    Parameters
    ----------
    conditions
        Corner, temperature (°C).
    unit_width, largest_code, settle
        Pulse of code 1 (s), the longest in units, and the time from the last word line's end to the reading
        (s).
    cells
        With mismatch, which give the spread.
    passes
        Whether the card has the part ``forward_pass``, for networks: ten CPU minutes more.
    element
        Whether it has the part ``processing_element``, for `cimspice schedule`: two CPU minutes more. It
        needs ``passes``, but for the array and condition of the card that comes with cimspice.
    jobs, store, progress
        Worker processes (default: one for each processor); where points are kept; what is called as they
        finish.
    array
        Parameters of :class:`cimspice.sram.Array`: ``rows=128``, ``cell={"devices": "ordinary"}``.

    Raises
    ------
    ParameterError
        For an array or a read that is none.
    SimulationError
        If a point fails.
    """
    from cimspice.sram.characterisation.card import characterised_card
    from cimspice.sram.characterisation.conditions import SramConditions
    from cimspice.sram.characterisation.element import with_element
    from cimspice.sram.characterisation.forward_pass import with_characterised_pass
    from cimspice.sram.circuit.array import Array

    for name, value in (("passes", passes), ("element", element)):
        if not isinstance(value, bool):
            raise ParameterError(f"{name} is {value!r}"[:200], place="--set", remedy="use true or false")
    for name, value, allowed in (
        ("unit_width", unit_width, int | float),
        ("largest_code", largest_code, int),
        ("settle", settle, int | float),
        ("cells", cells, int),
    ):
        if isinstance(value, bool) or not isinstance(value, allowed):
            kind = "whole number" if allowed is int else "number in SI units"
            raise ParameterError(f"{name} is {value!r}"[:200], place="--set", remedy=f"give a {kind}")
    where = SramConditions(
        array=Array.model_validate(array),
        corner=conditions.corner,
        temperature=conditions.temperature,
        unit_width=unit_width,
        largest_code=largest_code,
        settle=settle,
        workers=jobs,
        store=store,
    )
    made = characterised_card(where, cells=cells, progress=progress)
    if passes:
        made = with_characterised_pass(made, where, progress=progress)
    return with_element(_with_passes(made), where, progress) if element else made


def card(file: str | Path) -> Card:
    """The array's card in a file, whose figures are those of its data.

    Raises
    ------
    CimspiceError
        If it is no card of an array, naming the file.
    """
    return read_card(file, "sram")


def model_of(card: Card) -> BitLines:
    """The bit lines that a card holds, which :class:`cimspice.sram.MultiRowRead` reads.

    Raises
    ------
    CimspiceError
        If it holds none.
    """
    return sram_fit(card).model


def map(weights: np.ndarray, form: WordFormat) -> np.ndarray:
    """Words nearest to weights from −1 to 1, any shape; see :meth:`cimspice.sram.WordFormat.words`."""
    return form.words(weights)


def layer(
    words: np.ndarray, card: Card, form: WordFormat, *, periphery: Periphery | None = None
) -> SramLayer:
    """The emulated layer that stores these words: cells and lines of the card, one nominal chip.

    Parameters
    ----------
    words
        Shape (neurons, columns), or (chips, neurons, columns).
    card
        The array's.
    form
        Of the words; a longer pulse for each higher bit of a slice.
    periphery
        Multiplier, sharing, converter, write-back; ideal ones if not given: no card has them yet.

    Raises
    ------
    MappingError, ParameterError
        For words that do not fit the form or the array.
    """
    import numpy as np

    from cimspice.sram.emulator.layer import SramLayer
    from cimspice.sram.emulator.periphery import Periphery
    from cimspice.sram.training.chip import ChipFamily

    design = ChipFamily(model_of(card), periphery or Periphery(), form).design()
    stored = np.asarray(words)
    return SramLayer(design, stored if stored.ndim > 2 else stored[None])


def circuit(card: Card | None = None, **config: Any) -> SramCircuit:
    """6T arrays for the layers of a network, with chips or all cells nominal; other circuits are nominal.

    Parameters
    ----------
    card
        The array's; by default that of the default array at tt, 27 °C, which comes with cimspice. One
        without the part ``forward_pass`` gets that of the default array, if it is of the same array.
    config
        Settings of `cimspice.sram.emulator.circuit.SramCircuit`: ``slices``, ``columns``,
        ``weight_scale``, ``weight_percentile``, ``input_percentile``, ``input_calibration``, ``signed``,
        ``reference_drop`` (V), ``chips``, ``seed``.

    Raises
    ------
    ParameterError, MappingError
        For an unknown key, values that make no circuit, and a card of another array without forward passes.
    """
    from dataclasses import fields

    from cimspice.sram.emulator.circuit import SramCircuit

    known = sorted({field.name for field in fields(SramCircuit)} - {"card"})
    if unknown := config.keys() - set(known):
        raise ParameterError(
            f"no setting {min(unknown)!r}", place="sram circuit", remedy=f"choose from {', '.join(known)}"
        )
    return SramCircuit(card=_with_passes(card), **config)


def _with_passes(card: Card | None) -> Card:
    from cimspice.resources import data_directory
    from cimspice.sram.model.forward_card import FORWARD_PASS

    if card is not None and FORWARD_PASS in card.parts:
        return card
    packaged = Card.load(data_directory("cards") / "sram.json", FAMILY)
    if card is None:
        return packaged
    there, own = ((one.provenance.get("circuit"), one.conditions) for one in (packaged, card))
    if there != own:
        raise ParameterError(
            "the card says nothing of a neuron's forward pass, and is of another array or condition than the "
            "card that comes with cimspice",
            place="card of sram",
            remedy="make it anew: cimspice characterize sram --set passes=true --card FILE",
        )
    return card.model_copy(update={"parts": {**card.parts, FORWARD_PASS: packaged.part(FORWARD_PASS)}})


def simulate(
    layer: MappedLayer,
    x: np.ndarray,
    *,
    store: Store | Path | str | None = None,
    jobs: int | None = None,
    progress: OnProgress = silent,
) -> SimulatedSums:
    """Weighted sums of a circuit's layer for inputs (n, inputs), each pass of a neuron one run of ngspice.

    Parameters
    ----------
    layer
        Of a `circuit`.
    x
        Inputs (n, inputs).
    store, jobs
        Where finished passes are kept (default: the store of all runs), and how many run at once.
    progress
        What is called as it goes on.

    Raises
    ------
    SimulationError
        If a pass fails.
    """
    from cimspice.sram.validation.layer_passes import simulate_layer

    return simulate_layer(layer, x, _conditions(layer.circuit.card, jobs, store), progress=progress)


def simulation_seconds(layer: MappedLayer, inputs: int) -> float:
    """CPU time that `simulate` is expected to take for so many inputs, within a factor of about two."""
    from cimspice.sram.validation.layer_passes import expected_seconds

    return expected_seconds(layer, inputs)


def line_reads(
    layer: MappedLayer, *, store: Store | Path | str | None = None, jobs: int | None = None
) -> PassReads:
    """The passes of a circuit's layer one by one; ``store``, ``jobs`` as of `simulate`."""
    from cimspice.sram.validation.layer_passes import PassReads

    return PassReads(layer, _conditions(layer.circuit.card, jobs, store))


def validate(
    card: Card,
    *,
    words: int = 500,
    rows: tuple[int, int] = (4, 32),
    mismatch: bool = False,
    seed: int = 0,
    jobs: int | None = None,
    store: Store | Path | str | None = None,
    progress: OnProgress = silent,
) -> SramValidation:
    """Random words through the emulator and through ngspice: discharge of both bit lines.

    Parameters
    ----------
    card
        The array's, which says what is simulated.
    words, rows, seed
        How many, with how many open rows (fewest, most); of everything that is drawn.
    mismatch
        Whether the cells are those of one chip; the emulator knows their DC currents.
    jobs, store, progress
        As for :func:`characterise`.

    Raises
    ------
    ParameterError
        If such words cannot be drawn.
    SimulationError
        If a word fails.
    """
    from cimspice.sram.validation.read import validate_sram

    return validate_sram(
        _conditions(card, jobs, store),
        words=words,
        rows=rows,
        seed=seed,
        mismatch=mismatch,
        card=card,
        progress=progress,
    )


def _conditions(card: Card, jobs: int | None, store: Store | Path | str | None) -> SramConditions:
    """What the card was characterised as."""
    from cimspice.sram.characterisation.conditions import SramConditions
    from cimspice.sram.circuit.array import Array

    circuit = card.provenance.get("circuit")
    if not isinstance(circuit, dict) or "array" not in circuit:
        raise ParameterError("the card does not say of which array it is", place="provenance", remedy=REMEDY)
    own, array = card.conditions, circuit["array"]
    if array.get("cell", {}).get("devices") == "special":  # of one size, which the card names as well
        array = array | {"cell": {"devices": "special"}}
    return SramConditions(
        array=Array.model_validate(array),
        corner=own.corner or "tt",
        temperature=27.0 if own.temperature is None else own.temperature,
        **{name: circuit[name] for name in ("unit_width", "largest_code", "settle") if name in circuit},
        workers=jobs,
        store=store,
    )


def check(card: Card) -> None:
    """CimspiceError if the card does not make an array's column."""
    from cimspice.sram.model.forward_card import FORWARD_PASS, forward_pass_of

    sram_fit(card)
    if FORWARD_PASS in card.parts:
        forward_pass_of(card)


def measured(card: Card, part: str, source: Path, given: FitOptions) -> tuple[Card, str, list[str]]:
    """The card with a measured curve of bit-line current (line voltage, current) in the place of
    ``cell_current``."""
    if part != CELL_CURRENT:
        raise ParameterError(
            f"no measured curve makes the part {part!r}"[:200],
            place="--model",
            remedy=f"use --model {CELL_CURRENT}: current over the line's voltage",
        )
    table = given.read_unfitted(source, LINE_CURRENT)
    changed = with_measured_current(card, table)
    new, lines = changed.part(part), sram_fit(changed).model
    seen, ratio = new.range["line_voltage"], new.source["ratio"]
    remarks = [
        f"{ratio['low']:.4g} to {ratio['high']:.4g} times the card's current, {seen.low:.4g} to "
        f"{seen.high:.4g} V"
    ]
    if left := new.source["voltages_left_out"]:
        remarks.append(
            f"left out: voltages at which the card's cell hardly conducts, or beyond its tables: {left}"
        )
    for low, high in ((lines.safe_voltage, seen.low), (seen.high, lines.supply_voltage)):
        if high - low > 1e-9:
            remarks.append(
                f"not measured: {low:.3g} to {high:.3g} V, which reads reach; there the card's current times "
                "the nearest ratio is taken"
            )
    return changed, CELL_CURRENT, remarks
