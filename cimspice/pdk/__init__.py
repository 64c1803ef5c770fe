"""SKY130 device models: where they come from, and slices of them."""

from cimspice.pdk.devices import DEVICES, Device, mosfet_path
from cimspice.pdk.flat import flatten_models
from cimspice.pdk.install import install
from cimspice.pdk.model_slice import ModelSlice
from cimspice.pdk.slicer import slice_models
from cimspice.pdk.source import CORNERS, Pdk, cache_directory, locate, verify

__all__ = [
    "CORNERS",
    "DEVICES",
    "Device",
    "ModelSlice",
    "Pdk",
    "cache_directory",
    "flatten_models",
    "install",
    "locate",
    "mosfet_path",
    "slice_models",
    "verify",
]
