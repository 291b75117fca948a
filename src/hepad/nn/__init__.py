"""Networks and the input normaliser; nothing here knows of training."""

from hepad.nn.dense import DenseAutoencoderNet
from hepad.nn.normalizer import NORMALIZERS, InputNormalizer

__all__ = ["NORMALIZERS", "DenseAutoencoderNet", "InputNormalizer"]
