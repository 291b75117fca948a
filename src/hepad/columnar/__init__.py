"""Scores of jets in columns, as coffea and awkward have them: per event or per jet, at once or lazily."""

from hepad.columnar.jet_scores import score_jets

__all__ = ["score_jets"]
