"""Training through the read-out of the columns."""
