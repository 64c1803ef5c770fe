"""Random numbers that depend on a name, not on the order of drawing."""

import hashlib

import numpy as np


def standard_normal(seed: int, sample: int, name: str) -> float:
    """A draw from N(0, 1) that is a function of seed, sample and name alone.

    Adding, removing or renaming another device therefore changes no other device's draw.
    """
    key = hashlib.sha256(f"{seed}/{sample}/{name.lower()}".encode()).digest()
    return float(np.random.Generator(np.random.PCG64(int.from_bytes(key, "little"))).standard_normal())
