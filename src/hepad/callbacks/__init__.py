"""Callbacks around training: progress, history, evaluation."""

from hepad.callbacks.epoch_progress import EpochLines, EpochsInTheLine, progress_bar
from hepad.callbacks.evaluate import Evaluate
from hepad.callbacks.history import History
from hepad.callbacks.resume_point import ResumePoint

__all__ = ["EpochLines", "EpochsInTheLine", "Evaluate", "History", "ResumePoint", "progress_bar"]
