"""Models of the SRAM array: cells as currents, bit lines as charge, mismatch as a distribution."""
