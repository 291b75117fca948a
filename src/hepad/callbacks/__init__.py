"""What happens around training: progress, history, evaluation."""

from hepad.callbacks.evaluate import Evaluate
from hepad.callbacks.history import History
from hepad.callbacks.progress import EpochLines, progress_bar

__all__ = ["EpochLines", "Evaluate", "History", "progress_bar"]
