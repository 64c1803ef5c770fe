"""SKY130 device models: where they come from, slices of them, their variation.

Defects of the PDK's files that a user meets, and what is done about them (measured figures: ``docs/pdk.md``):

- ``special_pfet_pass`` never loads: refused, with the name to use instead (``special_pfet_latch``).
- ``mult=`` on an X line does not multiply the current, ``m=`` does: ``mult=`` is refused unless it says the
  same. ngspice would silently ignore any unknown parameter: all of them are refused.
- The corner ``sf`` is fast-n/slow-p and ``fs`` slow-n/fast-p, against the PDK's own description: kept, so
  that results can be compared with others', and said here.
- The combined library's corners shift thresholds, widths, lengths and junctions only; its factors of
  mobility, saturation velocity and oxide are commented out: ff and ss lie closer together than in the
  original bins.
- Mismatch of ``nfet_01v8`` is four times what its matching constant says: see :func:`threshold_sigma`.
- Section ``mc`` is unusable: see :mod:`cimspice.pdk.process`.
"""

from cimspice.pdk.capacitor_mismatch import capacitor_sigma
from cimspice.pdk.conditions import Conditions
from cimspice.pdk.devices import DEVICES, Device, mosfet_path
from cimspice.pdk.flat import flatten_models
from cimspice.pdk.install import install
from cimspice.pdk.mismatch import (
    draw_mismatch,
    mismatch_alterations,
    threshold_shift,
    threshold_sigma,
    threshold_sigmas,
    with_mismatch,
)
from cimspice.pdk.model_slice import ModelSlice
from cimspice.pdk.process import draw_process, process_spreads
from cimspice.pdk.slicer import slice_models
from cimspice.pdk.source import (
    CORNERS,
    Pdk,
    cache_directory,
    check_conditions,
    check_temperature,
    locate,
    verify,
)

__all__ = [
    "CORNERS",
    "DEVICES",
    "Conditions",
    "Device",
    "ModelSlice",
    "Pdk",
    "cache_directory",
    "capacitor_sigma",
    "check_conditions",
    "check_temperature",
    "draw_mismatch",
    "draw_process",
    "flatten_models",
    "install",
    "locate",
    "mismatch_alterations",
    "mosfet_path",
    "process_spreads",
    "slice_models",
    "threshold_shift",
    "threshold_sigma",
    "threshold_sigmas",
    "verify",
    "with_mismatch",
]
