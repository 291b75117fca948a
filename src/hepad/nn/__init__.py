"""Networks and the input normaliser; nothing here knows of training."""

from hepad.nn.deep_sets import DeepSets
from hepad.nn.dense import DenseAutoencoderNet, mlp
from hepad.nn.encoder_decoder import LatentNetwork
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
