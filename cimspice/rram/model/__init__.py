"""Models of resistive memories."""
