"""Composing a run from a config, and loading one back."""

from hepad.run.loading import Run, load_run
from hepad.run.training import TrainingResult, train
from hepad.run.validation import validate

__all__ = ["Run", "TrainingResult", "load_run", "train", "validate"]
