"""Monte Carlo: `[monte_carlo]` of a campaign file, and what a sample does to a loaded circuit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, model_validator

from cimspice.errors import ParameterError
from cimspice.pdk import (
    ModelSlice,
    Pdk,
    draw_mismatch,
    draw_process,
    mismatch_alterations,
    slice_models,
    threshold_sigmas,
)
from cimspice.pdk.mismatch import Constants

if TYPE_CHECKING:
    from cimspice.spice import Session

DRAWS_VERSION = 1  # raised when the same seed and sample give other numbers


class MonteCarlo(BaseModel):
    """``[monte_carlo]``: how many samples, and what varies."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    samples: StrictInt = Field(ge=1, le=1_000_000)
    """Every combination of the sweep, corners and temperatures is run this many times. More samples leave
    those that are there as they are."""
    seed: StrictInt = Field(default=1, ge=0)
    """A sample's numbers are a function of seed, sample and the device's name alone: not of the order of
    running, nor of the other devices."""
    mismatch: StrictBool = True
    """Each transistor has its own threshold shift, N(0, sigma(W, L))."""
    process: StrictBool = False
    """The PDK's global parameters vary about the corner, for all devices together."""
    constants: Constants = "matching"
    """Of the mismatch: see ``cimspice.pdk.threshold_sigma``."""
    shifts: tuple[dict[str, float], ...] | None = None
    """One mapping per sample: threshold shifts (V) by the path of the transistor, in the place of drawn ones;
    a transistor that is not named has none."""

    @model_validator(mode="after")
    def _varies(self) -> MonteCarlo:
        if not (self.mismatch or self.process):
            raise ValueError("nothing varies: set mismatch or process to true")
        if self.shifts is not None and not (self.mismatch and len(self.shifts) == self.samples):
            raise ValueError(
                f"{len(self.shifts)} mappings of shifts for {self.samples} samples, mismatch = "
                f"{str(self.mismatch).lower()}: give one for each, and mismatch = true"
            )
        return self


@dataclass(frozen=True)
class Variation:
    """What varies in one circuit."""

    settings: MonteCarlo
    """What the campaign asks for."""
    sigmas: dict[str, float]
    """Standard deviation (V) of each transistor's threshold, by path; empty without mismatch."""
    pdk_digest: str
    """Of the device models that process parameters are drawn from; empty without process."""

    @classmethod
    def of(cls, settings: MonteCarlo, netlist_text: str, pdk: Pdk | None) -> Variation:
        """Variation of a netlist; ``pdk`` is None for one without devices of the PDK.

        ParameterError if nothing in the netlist varies, or a geometry is no number: all samples would be the
        same.
        """
        nothing = "monte_carlo: the circuit has no {} of the PDK, all samples would be the same"
        sigmas: dict[str, float] = {}
        if settings.mismatch:
            sigmas = threshold_sigmas(netlist_text, constants=settings.constants, pdk=pdk) if pdk else {}
            if not sigmas:
                raise ParameterError(
                    nothing.format("transistor"), remedy="set mismatch = false, or leave [monte_carlo] out"
                )
        for number, named in enumerate(settings.shifts or ()):
            if unknown := {path.lower() for path in named} - sigmas.keys():
                raise ParameterError(
                    f"monte_carlo: the netlist has no transistor {min(unknown)!r}",
                    place=f"shifts[{number}]",
                    remedy="name X lines as netlist paths, such as xcell1.xpull",
                )
        if settings.process and not (pdk and draw_process(_models(netlist_text), settings.seed, pdk=pdk)):
            raise ParameterError(
                nothing.format("device that varies"), remedy="set process = false, or leave [monte_carlo] out"
            )
        return cls(settings, sigmas, pdk.digest if pdk and settings.process else "")

    def identity(self) -> list[Any]:
        """What decides the samples' numbers, for a digest; their count does not."""
        settings = self.settings.model_dump(exclude={"samples"}, exclude_none=True)
        return ["monte_carlo", DRAWS_VERSION, settings, self.sigmas, self.pdk_digest]

    def shifts(self, sample: int) -> dict[str, float]:
        """Threshold shift (V) of every transistor of a sample, by path."""
        settings = self.settings
        if settings.shifts is None:
            return draw_mismatch(self.sigmas, settings.seed, sample)
        given = {path.lower(): shift for path, shift in settings.shifts[sample].items()}
        return {path: given.get(path, 0.0) for path in self.sigmas}


def vary(
    session: Session, variation: Variation, sample: int, *, netlist_text: str, corner: str, flat: bool
) -> None:
    """Put one sample into the circuit that a session has loaded.

    Parameters
    ----------
    session
        Holds the netlist under ``corner``. Its parameters and threshold shifts are those of the sample
        afterwards, whatever sample it held before.
    variation, sample
        What varies, and which sample (from 0).
    netlist_text, corner, flat
        As loaded.
    """
    settings = variation.settings
    process: dict[str, float] = {}
    if settings.process:
        process = draw_process(_models(netlist_text), settings.seed, sample, corner=corner)
        session.alter_parameters(process)
    if settings.mismatch:
        shifts = variation.shifts(sample)
        # a process sample moves the thresholds too, and an alteration would erase that
        if process:
            values = mismatch_alterations(netlist_text, shifts, corner=corner, flat=flat, process=process)
        else:
            values = _shifted(_corner_shifts(netlist_text, corner, flat), shifts)
        for path, value in values.items():
            session.alter(f"@{path}[delvto]", value)


def _shifted(unvaried: Mapping[str, tuple[str, float]], shifts: Mapping[str, float]) -> dict[str, float]:
    return {mosfet: own + shifts[path] for path, (mosfet, own) in unvaried.items()}


@lru_cache(maxsize=32)
def _corner_shifts(netlist_text: str, corner: str, flat: bool) -> dict[str, tuple[str, float]]:
    """Path of an X line -> path of the MOSFET inside, and its threshold shift without mismatch (V)."""
    paths = list(threshold_sigmas(netlist_text))
    unvaried = mismatch_alterations(netlist_text, dict.fromkeys(paths, 0.0), corner=corner, flat=flat)
    return dict(zip(paths, unvaried.items(), strict=True))


@lru_cache(maxsize=8)
def _models(netlist_text: str) -> ModelSlice:
    return slice_models(netlist_text)
