"""Models of the SRAM array: cells as currents between bit lines, lines as charge, mismatch as a distribution."""
