"""The access transistor of the project's 1T1R cell, as fitted to ngspice."""

import pytest

from cimspice.rram import AccessTransistor


@pytest.fixture(scope="session")
def access() -> AccessTransistor:
    return AccessTransistor(
        log_gain=-7.27,
        threshold=0.811,
        body_factor=0.436,
        surface_potential=0.685,
        slope_factor=1.154,
        mobility_loss=0.24,
        mobility_curvature=-0.0174,
        velocity_saturation=1.156,
        channel_modulation=0.308,
        modulation_voltage=0.189,
        drain_lowering=0.0185,
    )
