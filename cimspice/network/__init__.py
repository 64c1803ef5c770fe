"""Networks on circuits: what they decide."""
