"""Sweeps: many runs from one command, their directories, their summary, and the search by Optuna."""
