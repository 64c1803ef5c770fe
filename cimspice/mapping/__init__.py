"""Trained weights to what is programmed into a circuit, and back."""

from cimspice.mapping.spiking import LayerMapping, map_layer, realised_weights

__all__ = ["LayerMapping", "map_layer", "realised_weights"]
