"""Models of converters."""
