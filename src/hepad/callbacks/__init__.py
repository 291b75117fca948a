"""Callbacks around training: progress, history, evaluation."""

from hepad.callbacks.evaluate import Evaluate
from hepad.callbacks.history import EpochLines, History, progress_bar
from hepad.callbacks.resume_point import ResumePoint

__all__ = ["EpochLines", "Evaluate", "History", "ResumePoint", "progress_bar"]
