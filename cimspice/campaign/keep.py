"""What a campaign keeps besides its table: `[keep]` of a campaign file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from cimspice.bench.bench_call import analysis_of
from cimspice.errors import CimspiceError

if TYPE_CHECKING:
    from cimspice.bench import Bench
    from cimspice.campaign.check import Problems


class Keep(BaseModel):
    """``[keep]``: nothing but what the bench measures, unless this says otherwise.

    Attributes
    ----------
    waveforms
        True: all vectors that the bench's analysis saves; a list: those of the names (``"out"``,
        ``"vdd#branch"``; ``"v(out)"`` and ``"i(vdd)"`` are understood).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    waveforms: StrictBool | tuple[str, ...] = Field(default=False)

    @property
    def vectors(self) -> tuple[str, ...] | None:
        """Names of the vectors, as a session has them; empty: all that are saved; None: keep none."""
        if not self.waveforms:
            return None
        if self.waveforms is True:
            return ()
        from cimspice.spice.waveforms import plain_name

        return tuple(plain_name(name) for name in self.waveforms)


def check_keep(bench: Bench, values: Mapping[str, Any], keep: Keep, problems: Problems) -> None:
    """Vectors asked for against those that the analysis saves at the given parameters (one that names none
    saves all, which only ngspice knows).
    """
    if "point" in (*bench.Parameters.model_fields, *bench.columns) and keep.vectors is not None:
        problems.add("keep.waveforms", keep.waveforms, f"bench {bench.name} uses the name 'point' itself")
    try:
        saved = analysis_of(bench, bench.Parameters.model_validate(values)).save
    except CimspiceError:
        return  # reported already, as a fault of the parameters
    for name in keep.vectors or ():
        if saved and name not in saved:
            problems.add("keep.waveforms", name, f"bench {bench.name} saves {', '.join(saved)}")
