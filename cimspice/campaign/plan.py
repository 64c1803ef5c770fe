"""From a specification to points: one at a time, in an order that lets points share a loaded circuit."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from math import prod
from operator import attrgetter
from typing import Any, NamedTuple

from cimspice.campaign.environment import Environment
from cimspice.campaign.monte_carlo import Variation
from cimspice.campaign.provenance import code_digest
from cimspice.campaign.specification import AxisGroup, Specification
from cimspice.circuits import Bench
from cimspice.errors import CimspiceError
from cimspice.netlist import Netlist, NetlistParameters, allow_includes

DIGEST_VERSION = 1  # raised when what a digest covers changes: older results are then not taken for new ones

_REMEMBERED = 2048  # settings kept while the conditions change: about 2 MB


@dataclass(frozen=True)
class Circuit:
    """What is loaded once for many points: a netlist with altered parameters at their defaults, the digest of
    the device models that it uses, and what Monte Carlo varies in it.
    """

    bench: Bench
    netlist: Netlist
    models: str
    variation: Variation | None = None


@dataclass(frozen=True)
class Point:
    """One simulation.

    Attributes
    ----------
    index
        Place in the plan, from 0.
    digest
        SHA-256 (hexadecimal) over all that decides the result: netlist, device models, parameters, analysis,
        solver options, corner, temperature, ngspice's version and the code that measures.
    given
        Fixed and swept parameters as the specification gives them; what the table shows.
    parameters
        The same, validated, with the bench's defaults. None if the combination is refused.
    corner, temperature
        Process corner; degrees Celsius.
    altered
        Sources and their values, to be altered once the circuit is loaded.
    circuit
        None if the combination is refused.
    error
        Why it is refused: such a point is recorded as failed and not run.
    sample
        Monte Carlo sample, from 0; None without Monte Carlo.
    """

    index: int
    digest: str
    given: dict[str, Any]
    parameters: NetlistParameters | None
    corner: str
    temperature: float
    altered: tuple[tuple[str, float], ...] = ()
    circuit: Circuit | None = None
    error: CimspiceError | None = None
    sample: int | None = None

    @property
    def conditions(self) -> dict[str, Any]:
        """Everything that the campaign says of this point: given parameters, corner, temperature, sample."""
        sample = {} if self.sample is None else {"sample": self.sample}
        return {**self.given, "corner": self.corner, "temperature": self.temperature, **sample}


class _Setting(NamedTuple):
    """A point before its conditions: parameters as given, validated, and as JSON; what else decides the
    result; altered sources; why it is refused.
    """

    given: dict[str, Any]
    parameters: NetlistParameters | None
    text: bytes
    decisive: str
    altered: tuple[tuple[str, float], ...]
    error: CimspiceError | None


@dataclass(frozen=True)
class Plan:
    """The points of a specification, made anew by each iteration and never held all at once.

    The order: parameters that need another circuit are the slowest, then corner and temperature, then
    parameters that can be altered in a loaded circuit, then Monte Carlo samples. Within that, the file's
    order.
    """

    specification: Specification
    environment: Environment
    code: str = field(default="")

    def __post_init__(self) -> None:
        object.__setattr__(self, "code", self.code or code_digest(type(self.specification.bench)))

    def __len__(self) -> int:
        return self.specification.points

    def __iter__(self) -> Iterator[Point]:
        specification = self.specification
        altered = specification.bench.altered
        inner = [group for group in specification.groups if all(name in altered for name in group.names)]
        outer = [group for group in specification.groups if group not in inner]
        few = prod(len(group.values) for group in inner) <= _REMEMBERED
        samples = range(specification.monte_carlo.samples) if specification.monte_carlo else (None,)
        index = 0
        for slow in _combinations(outer):
            circuit = self._circuit(slow)
            prefix = self._prefix(circuit)
            # the same under every condition: checked once
            remembered = list(self._settings(circuit, slow, inner)) if few else None
            for corner, temperature in product(specification.corners, specification.temperatures):
                for setting in remembered or self._settings(circuit, slow, inner):
                    for sample in samples:
                        yield self._point(
                            index, setting, (corner, temperature, sample), circuit, prefix.copy()
                        )
                        index += 1

    def _circuit(self, slow: dict[str, Any]) -> Circuit | CimspiceError:
        specification = self.specification
        bench = specification.bench
        values = {**specification.parameters, **slow}
        values = {name: value for name, value in values.items() if name not in bench.altered}
        try:
            parameters = bench.Parameters.parse(values, place=specification.source)
            with allow_includes(*self.environment.include_roots):
                netlist = bench.netlist(parameters)
        except CimspiceError as error:
            return error
        self.environment.require_models(
            netlist.text
        )  # without a PDK no point can be run: not the point's fault
        try:
            models = self.environment.models_digest(netlist.text)
            asked = specification.monte_carlo
            pdk = self.environment.pdk if models else None
            return Circuit(bench, netlist, models, asked and Variation.of(asked, netlist.text, pdk))
        except CimspiceError as error:
            return error

    def _prefix(self, circuit: Circuit | CimspiceError) -> Any:
        known = [DIGEST_VERSION, self.specification.bench.name, self.code, self.environment.ngspice]
        if isinstance(circuit, Circuit):
            known += [circuit.netlist.digest, circuit.models]
            if circuit.variation is not None:
                known += circuit.variation.identity()
        return hashlib.sha256(json.dumps(known).encode())

    def _settings(
        self, circuit: Circuit | CimspiceError, slow: dict[str, Any], inner: list[AxisGroup]
    ) -> Iterator[_Setting]:
        """Validated parameters of the points that share a circuit and differ in what is altered."""
        bench = self.specification.bench
        plain = type(bench).options is Bench.options  # ngspice's own: the same at every point
        options = ""
        sources = tuple((source, attrgetter(name)) for name, source in bench.altered.items())
        base = {**self.specification.parameters, **slow}
        for fast in _combinations(inner):
            given = {**base, **fast}
            try:
                if isinstance(circuit, CimspiceError):
                    raise circuit
                parameters = bench.Parameters.parse(given, place=self.specification.source)
                if not (plain and options):
                    options = repr(bench.options(parameters))
                decisive = f"{bench.analysis(parameters)!r}, {options})"
            except CimspiceError as error:
                yield _Setting(given, None, b"", "", (), error)
                continue
            altered = tuple([(source, float(value(parameters))) for source, value in sources])
            yield _Setting(given, parameters, parameters.model_dump_json().encode(), decisive, altered, None)

    def _point(
        self,
        index: int,
        setting: _Setting,
        conditions: tuple[str, float, int | None],
        circuit: Circuit | CimspiceError,
        digest: Any,
    ) -> Point:
        given, parameters, error = setting.given, setting.parameters, setting.error
        corner, temperature, sample = conditions
        if sample is not None:
            digest.update(f"sample {sample} ".encode())
        if error is not None or isinstance(circuit, CimspiceError):
            refused = json.dumps([given, corner, temperature, str(error)], default=str)
            digest.update(refused.encode())
            return Point(index, digest.hexdigest(), given, None, *conditions[:2], error=error, sample=sample)
        digest.update(setting.text)
        digest.update(f"({corner!r}, {temperature!r}, {setting.decisive}".encode())
        return Point(
            index,
            digest.hexdigest(),
            given,
            parameters,
            corner,
            temperature,
            setting.altered,
            circuit,
            sample=sample,
        )


def _combinations(groups: list[AxisGroup]) -> Iterator[dict[str, Any]]:
    """Every combination of the groups' rows, the last group fastest."""
    for rows in product(*(group.values for group in groups)):
        yield {
            name: value
            for group, row in zip(groups, rows, strict=True)
            for name, value in zip(group.names, row, strict=True)
        }
