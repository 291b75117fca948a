"""Reconstruction losses, each giving one value per entry."""

from hepad.losses.base import ElementwiseLoss, ReconstructionLoss, mean_per_entry
from hepad.losses.elementwise import MAE, MAPE, MSE, Huber, LogCosh

__all__ = [
    "MAE",
    "MAPE",
    "MSE",
    "ElementwiseLoss",
    "Huber",
    "LogCosh",
    "ReconstructionLoss",
    "mean_per_entry",
]
