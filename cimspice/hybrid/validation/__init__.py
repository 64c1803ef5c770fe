"""Networks on chips, and columns through the emulator and through ngspice."""
