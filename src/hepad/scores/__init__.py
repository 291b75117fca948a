"""Scores of many entries at once, from arrays: on one device, in chunks, with the slots and columns they have."""

from hepad.scores.forward import Forward

__all__ = ["Forward"]
