"""Networks and the input normaliser; nothing here knows of training."""

from hepad.nn.best_epochs import BestEpochs
from hepad.nn.coordinates import COORDINATES, Coordinates
from hepad.nn.deep_sets import DeepSets
from hepad.nn.dense import DenseAutoencoderNet, mlp
from hepad.nn.encoder_decoder import LatentNetwork
from hepad.nn.epic import SetVelocity
from hepad.nn.flows import FLOWS, ConditionalFlow
from hepad.nn.networks import NETWORKS, encoder_decoder
from hepad.nn.normal_mixture import NormalMixture
from hepad.nn.normalizer import NORMALIZERS, InputNormalizer
from hepad.nn.paths import PATHS, CosinePath, StraightPath
from hepad.nn.set_flow import SetFlow
from hepad.nn.trees import TreeEnsemble
from hepad.nn.velocity import VectorVelocity

__all__ = [
    "COORDINATES",
    "FLOWS",
    "NETWORKS",
    "NORMALIZERS",
    "PATHS",
    "BestEpochs",
    "ConditionalFlow",
    "Coordinates",
    "CosinePath",
    "DeepSets",
    "DenseAutoencoderNet",
    "InputNormalizer",
    "LatentNetwork",
    "NormalMixture",
    "SetFlow",
    "SetVelocity",
    "StraightPath",
    "TreeEnsemble",
    "VectorVelocity",
    "encoder_decoder",
    "mlp",
]
