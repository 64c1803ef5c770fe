"""Which campaigns give the tables of the 6T SRAM array."""
