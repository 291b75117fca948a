"""LightningModules: how a network is trained, and how it scores."""

from hepad.models.base import AnomalyModel, eval_mode
from hepad.models.bib_ae import BIBAE
from hepad.models.bigan import BiGAN
from hepad.models.capabilities import Density, Explaining, Generative, Reconstructing, Searchable
from hepad.models.cicada_ae import CicadaAutoencoder
from hepad.models.classifier import Classifier
from hepad.models.conv_ae import ConvAutoencoder
from hepad.models.deep_svdd import DeepSVDD
from hepad.models.denoising_ae import DenoisingAutoencoder
from hepad.models.dense_ae import DenseAutoencoder
from hepad.models.distilled import Distilled
from hepad.models.double_ae import DoubleAutoencoder
from hepad.models.explaining import Explanation, explain_scores
from hepad.models.flow import Flow
from hepad.models.flow_matching import FlowMatching
from hepad.models.gan import GAN
from hepad.models.gaussian_mixture import GaussianMixture
from hepad.models.graph_ae import GraphAutoencoder
from hepad.models.nae import NormalizedAutoencoder
from hepad.models.pyod_detector import PyodDetector
from hepad.models.reconstruction import ReconstructionModel
from hepad.models.sparse_ae import SparseAutoencoder
from hepad.models.td_ae import TimeDistributedAutoencoder
from hepad.models.trees import Trees
from hepad.models.vae import VariationalAutoencoder

__all__ = [
    "BIBAE",
    "GAN",
    "AnomalyModel",
    "BiGAN",
    "CicadaAutoencoder",
    "Classifier",
    "ConvAutoencoder",
    "DeepSVDD",
    "DenoisingAutoencoder",
    "DenseAutoencoder",
    "Density",
    "Distilled",
    "DoubleAutoencoder",
    "Explaining",
    "Explanation",
    "Flow",
    "FlowMatching",
    "GaussianMixture",
    "Generative",
    "GraphAutoencoder",
    "NormalizedAutoencoder",
    "PyodDetector",
    "Reconstructing",
    "ReconstructionModel",
    "Searchable",
    "SparseAutoencoder",
    "TimeDistributedAutoencoder",
    "Trees",
    "VariationalAutoencoder",
    "eval_mode",
    "explain_scores",
]
