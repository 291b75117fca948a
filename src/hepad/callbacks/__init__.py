"""Callbacks around training: progress, history, evaluation."""

from hepad.callbacks.complete_best import CompleteBest
from hepad.callbacks.evaluate import Evaluate
from hepad.callbacks.history import EpochLines, History, progress_bar
from hepad.callbacks.resume_point import ResumePoint

__all__ = ["CompleteBest", "EpochLines", "Evaluate", "History", "ResumePoint", "progress_bar"]
