"""Loggers of a run: what W&B, CSV and TensorBoard are given, and what they must not see."""
