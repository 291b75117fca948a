"""Checkpoints: written whole, read with limits, looked at before they are called good."""
