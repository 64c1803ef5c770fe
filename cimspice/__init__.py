"""cimspice: circuit-level SPICE co-simulation for compute-in-memory."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cimspice.campaign.load import load
    from cimspice.campaign.run_waveforms import waveforms

__all__ = ["__version__", "load", "waveforms"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """What reads runs is only imported when it is asked for: the package itself stays light."""
    if name == "load":
        from cimspice.campaign.load import load

        return load
    if name == "waveforms":
        from cimspice.campaign.run_waveforms import waveforms

        return waveforms
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
