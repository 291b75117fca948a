"""Several optimiser steps per call of Lightning's loop: the same batches, random numbers and weights, no waiting."""

from hepad.steps.loop import SeveralSteps, several_steps

__all__ = ["SeveralSteps", "several_steps"]
