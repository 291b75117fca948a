"""Networks and the input normaliser; nothing here knows of training."""

from hepad.nn.deep_sets import DeepSets
from hepad.nn.dense import DenseAutoencoderNet
from hepad.nn.latent import LatentNetwork
from hepad.nn.mlp import mlp
from hepad.nn.networks import NETWORKS, encoder_decoder
from hepad.nn.normalizer import NORMALIZERS, InputNormalizer

__all__ = [
    "NETWORKS",
    "NORMALIZERS",
    "DeepSets",
    "DenseAutoencoderNet",
    "InputNormalizer",
    "LatentNetwork",
    "encoder_decoder",
    "mlp",
]
