"""Former place of the crossbars' emulator: see :mod:`cimspice.crossbar`."""
