"""The same inputs through the emulator and through ngspice, for resistive memories."""
