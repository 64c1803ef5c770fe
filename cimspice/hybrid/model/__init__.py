"""What a column's read-out makes of a partial sum."""
