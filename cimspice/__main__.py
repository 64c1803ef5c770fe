"""``python -m cimspice`` is ``cimspice``."""

from cimspice.cli import main

main()
