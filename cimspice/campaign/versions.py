"""What the figures of a validation rest on."""

from __future__ import annotations

from cimspice import __version__
from cimspice.campaign.environment import Environment
from cimspice.pdk import locate


def provenance() -> dict[str, str]:
    """Versions and digests of cimspice, ngspice and the device models."""
    environment = Environment.detect()
    environment.pdk = locate()
    return {"cimspice": __version__, **environment.provenance()}
