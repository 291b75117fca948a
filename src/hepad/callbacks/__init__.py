"""Callbacks around training: progress, history, evaluation."""

from hepad.callbacks.evaluate import Evaluate
from hepad.callbacks.history import History
from hepad.callbacks.progress import EpochLines, progress_bar
from hepad.callbacks.resume_point import ResumePoint

__all__ = ["EpochLines", "Evaluate", "History", "ResumePoint", "progress_bar"]
