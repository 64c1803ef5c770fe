"""cimspice: circuit-level SPICE co-simulation for compute-in-memory."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cimspice.campaign.load import load

__all__ = ["__version__", "load"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """``cimspice.load`` is only imported when it is asked for: the package itself stays light."""
    if name == "load":
        from cimspice.campaign.load import load

        return load
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
