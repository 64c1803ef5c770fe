"""The 6T SRAM array emulated, vectorised over a batch."""
