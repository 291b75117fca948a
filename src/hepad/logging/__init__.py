"""What W&B, CSV and TensorBoard are given of a run, and what they must not see."""
