"""6T SRAM arrays that multiply and learn."""
