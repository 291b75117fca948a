"""LightningModules: how a network is trained, and how it scores."""

from hepad.models.base import AnomalyModel, eval_mode
from hepad.models.dense_ae import DenseAutoencoder
from hepad.models.reconstruction import ReconstructionModel

__all__ = ["AnomalyModel", "DenseAutoencoder", "ReconstructionModel", "eval_mode"]
