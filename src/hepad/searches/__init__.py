"""Resonant searches: from samples to p-values, as a pipeline of ordinary runs."""
