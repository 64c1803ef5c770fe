"""From a specification to points: one at a time, in an order that lets points share a loaded circuit."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from math import prod
from operator import attrgetter
from typing import Any, NamedTuple

from cimspice.bench import Bench
from cimspice.bench.bench_call import analysis_of, netlist_of, options_of
from cimspice.campaign.alterations import Alterations
from cimspice.campaign.environment import Environment
from cimspice.campaign.monte_carlo import Variation
from cimspice.campaign.provenance import code_digest
from cimspice.campaign.schema import DIGEST_VERSION
from cimspice.campaign.specification import AxisGroup, Specification
from cimspice.errors import CimspiceError
from cimspice.netlist import Netlist, NetlistParameters, allow_includes
from cimspice.pdk import check_temperature

_KEPT = 8  # circuits of which a second pass over the plan need not ask again which points use them
_REMEMBERED = 2048  # settings kept while the conditions change: about 2 MB


@dataclass(frozen=True)
class Circuit:
    """What is loaded once for many points: a netlist with altered parameters at their defaults (or one of a
    single point's values, if altering would not give it), the digest of the device models that it uses, and
    what Monte Carlo varies in it.
    """

    bench: Bench
    netlist: Netlist
    models: str
    variation: Variation | None = None


@dataclass(frozen=True)
class Point:
    """One simulation."""

    index: int
    """Place in the plan, from 0."""
    digest: str
    """SHA-256 (hexadecimal) over all that decides the result: netlist, device models, parameters, analysis,
    solver options, corner, temperature, ngspice's version and the code that measures."""
    given: dict[str, Any]
    """Fixed and swept parameters as the specification gives them; what the table shows."""
    parameters: NetlistParameters | None
    """The same, validated, with the bench's defaults. None if the combination is refused."""
    corner: str
    temperature: float
    """``corner``, ``temperature``: process corner; degrees Celsius."""
    altered: tuple[tuple[str, float], ...] = ()
    """Sources and their values, to be altered once the circuit is loaded."""
    circuit: Circuit | None = None
    """None if the combination is refused."""
    error: CimspiceError | None = None
    """Why it is refused: such a point is recorded as failed and not run."""
    sample: int | None = None
    """Monte Carlo sample, from 0; None without Monte Carlo."""

    @property
    def conditions(self) -> dict[str, Any]:
        """Everything that the campaign says of this point: given parameters, corner, temperature, sample."""
        sample = {} if self.sample is None else {"sample": self.sample}
        return {**self.given, "corner": self.corner, "temperature": self.temperature, **sample}


class _Loaded(NamedTuple):
    """A circuit, the digest over it so far, and which points altering its sources gives."""

    circuit: Circuit
    prefix: Any
    alterations: Alterations


class _Setting(NamedTuple):
    """A point before its conditions: parameters as given, validated, and as JSON; what else decides the
    result; altered sources; its circuit and the digest over that; why it is refused.
    """

    given: dict[str, Any]
    parameters: NetlistParameters | None
    text: bytes
    decisive: str
    altered: tuple[tuple[str, float], ...]
    circuit: Circuit | None
    prefix: Any
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
    _loaded: dict[int, _Loaded | CimspiceError] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

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
        for number, slow in enumerate(_combinations(outer)):
            loaded = self._loaded.get(number) or self._load(slow)
            if number < _KEPT:
                self._loaded[number] = loaded
            # the same under every condition: checked once
            remembered = list(self._settings(loaded, slow, inner)) if few else None
            for corner, temperature in product(specification.corners, specification.temperatures):
                for setting in remembered or self._settings(loaded, slow, inner):
                    for sample in samples:
                        yield self._point(index, setting, (corner, temperature, sample))
                        index += 1

    def _load(self, slow: dict[str, Any]) -> _Loaded | CimspiceError:
        """The circuit with altered parameters at their defaults."""
        specification = self.specification
        bench = specification.bench
        values = {**specification.parameters, **slow}
        values = {name: value for name, value in values.items() if name not in bench.altered}
        try:
            parameters = bench.Parameters.parse(values, place=specification.source)
            netlist = self._netlist(parameters)
        except CimspiceError as error:
            return error
        circuit = self._circuit(netlist)
        if isinstance(circuit, CimspiceError):
            return circuit
        return _Loaded(circuit, self._prefix(circuit), Alterations(bench, parameters, netlist, self._netlist))

    def _netlist(self, parameters: NetlistParameters) -> Netlist:
        with allow_includes(*self.environment.include_roots):
            return netlist_of(self.specification.bench, parameters)

    def _own_circuit(
        self, loaded: _Loaded | CimspiceError, parameters: NetlistParameters
    ) -> Circuit | CimspiceError | None:
        """The circuit of a point that cannot use the loaded one."""
        try:
            if isinstance(loaded, _Loaded):
                netlist = loaded.alterations.own_netlist(parameters)
            else:
                netlist = self._netlist(parameters)
        except CimspiceError as error:
            return error
        return None if netlist is None else self._circuit(netlist)

    def _circuit(self, netlist: Netlist) -> Circuit | CimspiceError:
        self.environment.require_models(
            netlist.text
        )  # without a PDK no point can be run: not the point's fault
        try:
            models = self.environment.models_digest(netlist.text)
        except CimspiceError as error:
            return error
        if models:
            for temperature in self.specification.temperatures:
                check_temperature(temperature)
        asked = self.specification.monte_carlo
        pdk = self.environment.pdk if models else None
        # a circuit in which nothing varies is the fault of the campaign, not of each of its points
        varied = asked and Variation.of(asked, netlist.text, pdk)
        return Circuit(self.specification.bench, netlist, models, varied)

    def _prefix(self, circuit: Circuit | None) -> Any:
        known = [DIGEST_VERSION, self.specification.bench.name, self.code, self.environment.ngspice]
        if circuit is not None:
            known += [circuit.netlist.digest, circuit.models]
            if circuit.variation is not None:
                known += circuit.variation.identity()
        return hashlib.sha256(json.dumps(known).encode())

    def _settings(
        self, loaded: _Loaded | CimspiceError, slow: dict[str, Any], inner: list[AxisGroup]
    ) -> Iterator[_Setting]:
        """Validated parameters of the points that share a circuit and differ in what is altered; where
        altering does not give what the netlist says, each with a circuit of its own.
        """
        bench = self.specification.bench
        plain = type(bench).options is Bench.options  # ngspice's own: the same at every point
        options = ""
        sources = tuple((source, attrgetter(name)) for name, source in bench.altered.items())
        base = {**self.specification.parameters, **slow}
        for fast in _combinations(inner):
            given = {**base, **fast}
            try:
                parameters = bench.Parameters.parse(given, place=self.specification.source)
                if not (plain and options):
                    options = repr(options_of(bench, parameters))
                decisive = f"{analysis_of(bench, parameters)!r}, {options})"
                own = self._own_circuit(loaded, parameters)
                if isinstance(own, CimspiceError):
                    raise own
            except CimspiceError as error:
                yield _Setting(given, None, b"", "", (), None, self._prefix(None), error)
                continue
            text = parameters.model_dump_json().encode()
            if own is not None or isinstance(loaded, CimspiceError):
                yield _Setting(given, parameters, text, decisive, (), own, self._prefix(own), None)
                continue
            altered = tuple([(source, float(value(parameters))) for source, value in sources])
            circuit, prefix, _ = loaded
            yield _Setting(given, parameters, text, decisive, altered, circuit, prefix, None)

    def _point(self, index: int, setting: _Setting, conditions: tuple[str, float, int | None]) -> Point:
        given, parameters, error = setting.given, setting.parameters, setting.error
        digest = setting.prefix.copy()
        corner, temperature, sample = conditions
        if sample is not None:
            digest.update(f"sample {sample} ".encode())
        if error is not None:
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
            setting.circuit,
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
