"""The same inputs through the emulator and through ngspice, for the 6T SRAM array."""
