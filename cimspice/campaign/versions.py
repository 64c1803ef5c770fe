"""What the figures of a validation rest on."""

from __future__ import annotations

from contextlib import suppress

from cimspice import __version__
from cimspice.campaign.environment import Environment
from cimspice.errors import CimspiceError
from cimspice.pdk import locate


def provenance() -> dict[str, str]:
    """Versions and digests of cimspice, ngspice and the device models."""
    environment = Environment.detect()
    environment.pdk = locate()
    return {"cimspice": __version__, **environment.provenance()}


def installed() -> dict[str, str]:
    """The same of what is there; what is missing is left out."""
    environment = Environment("")
    with suppress(CimspiceError):
        environment.pdk = locate()
    with suppress(CimspiceError):
        environment.ngspice = Environment.detect().ngspice
    known = {name: text for name, text in environment.provenance().items() if text}
    return {"cimspice": __version__, **known}
