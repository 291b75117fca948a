"""Reconstruction losses, each giving one value per entry; the losses of adversarial games; distances of samples."""

from hepad.losses.adversarial import AdversarialLoss, Hinge, NonSaturating
from hepad.losses.base import ElementwiseLoss, ReconstructionLoss, WeightedSum, mean_per_entry
from hepad.losses.chamfer import Chamfer
from hepad.losses.distance_correlation import unbiased_distance_correlation
from hepad.losses.elementwise import MAE, MAPE, MSE, Huber, LogCosh
from hepad.losses.ncc import NCC
from hepad.losses.point_clouds import PointCloudLoss
from hepad.losses.sinkhorn import Sinkhorn
from hepad.losses.ssim import SSIM

__all__ = [
    "MAE",
    "MAPE",
    "MSE",
    "NCC",
    "SSIM",
    "AdversarialLoss",
    "Chamfer",
    "ElementwiseLoss",
    "Hinge",
    "Huber",
    "LogCosh",
    "NonSaturating",
    "PointCloudLoss",
    "ReconstructionLoss",
    "Sinkhorn",
    "WeightedSum",
    "mean_per_entry",
    "unbiased_distance_correlation",
]
