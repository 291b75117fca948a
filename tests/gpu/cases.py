"""What is tried on a GPU: every model on all data that differ in shape, with every loss and every inference."""

import copy
from collections.abc import Callable
from functools import cache
from pathlib import Path

import lightning as L
import numpy as np
import torch
from hydra.utils import get_class
from lightning.pytorch.callbacks import Callback
from omegaconf import DictConfig, OmegaConf

from hepad.config import compose
from hepad.data import AnomalyDataModule
from hepad.logging.loggers import quieten
from hepad.models import AnomalyModel
from hepad.steps import SeveralSteps, several_steps
from tests.conftest import write_image_file
from tests.every_model import ADVERSARIAL_LOSSES, LOSSES, UNLIKE_PAIRS, WRITERS, build

N_ENTRIES = {"background": 40, "signal": 10}

INFERENCES = {
    "forward": {},
    "search of codes": {"gamma_theta": 0.0},
    "search of weights": {"gamma_theta": 1e-4},
}
"""Name → how the search differs from `inference=latent_search`; nothing for none."""

BRIEF = {"steps": 1, "n_seed": 2, "tolerance": 1e-9, "patience": 1}

FEWER = {"flow": {"transforms": 1}, "flow_matching": {"n_steps": 2, "noises": 2}}
"""Model → how often it does the same again; a pretended GPU takes its time over every operation."""

__all__ = ["BRIEF", "INFERENCES", "LOSSES", "UNLIKE_PAIRS", "Entries", "fit", "score"]


def _small_jet_images(path: Path, n_events: int, seed: int) -> Path:
    images = np.random.default_rng(seed).exponential(size=(n_events, 16, 16)) ** 4
    return write_image_file(path, images=images / images.sum((1, 2), keepdims=True), dataset="jet_images")


_WRITERS: dict[str, Callable[..., Path]] = {**WRITERS, "jet_images": _small_jet_images}


# Composing takes longer than all that is tried with most configs.
@cache
def _composed(model: str, data: str) -> DictConfig:
    return compose("train", [f"model={model}", f"data={data}", "data.batch_size=8"])


@cache
def _loss(name: str) -> DictConfig:
    return compose("train", [f"model={'gan' if name in ADVERSARIAL_LOSSES else 'conv_ae'}", f"loss={name}"]).model.loss


@cache
def _latent_search() -> DictConfig:
    return compose("train", ["model=conv_ae", "inference=latent_search"]).inference


class Entries:
    """Composes configs on made-up entries of two samples, and builds models and data of them.

    Args:
        directory: where the files go.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def config(self, model: str, data: str, loss: str | None = None, inference: str = "forward") -> DictConfig:
        """Return the config of a model on one kind of data; None for the model's own loss."""
        cfg = copy.deepcopy(_composed(model, data))
        if loss is not None:
            cfg.model.loss = copy.deepcopy(_loss(loss))
        if settings := INFERENCES[inference]:
            cfg.inference = OmegaConf.merge(_latent_search(), BRIEF, settings)
        cfg.model.update(FEWER.get(model, {}))
        kind = get_class(cfg.data._target_).kind
        files = {name: self.directory / f"{kind}_{name}.h5" for name in N_ENTRIES}
        for seed, (name, path) in enumerate(files.items()):
            if not path.exists():
                _WRITERS[kind](path, n_events=N_ENTRIES[name], seed=seed)
        cfg.data.bundled, cfg.data.background = False, "background"
        cfg.data.samples = {name: str(path) for name, path in files.items()}
        cfg.paths.run = str(self.directory)
        return cfg

    def build(self, cfg: DictConfig) -> tuple[AnomalyModel, AnomalyDataModule]:
        """Build a model and its data, all of whose entries carry a target, for models that learn one."""
        model, data = build(cfg)
        for entries in data.test_entries.values():
            target = entries.batch.x.flatten(1).std(dim=1).log1p()
            object.__setattr__(entries, "batch", entries.batch._replace(target=target))
        return model, data


def fit(model: AnomalyModel, data: AnomalyDataModule, steps: int | None = None, **settings: object) -> SeveralSteps:
    """Train two steps and validate; returns the loop that took the steps.

    Args:
        model: the model.
        data: what it is trained on.
        steps: per call of Lightning's loop; None for as many as fit.
        settings: of the trainer, such as where.
    """
    torch.manual_seed(0)
    trainer = several_steps(_trainer(**settings), steps)
    trainer.fit(model, datamodule=data)
    return trainer.fit_loop.epoch_loop


def score(model: AnomalyModel, data: AnomalyDataModule, *callbacks: Callback, **settings: object) -> None:
    """Score every sample, with all that is shown beside the scores.

    Args:
        model: the model.
        data: what it is tested with.
        callbacks: what makes and takes the scores.
        settings: of the trainer.
    """
    _trainer(callbacks=list(callbacks), **settings).test(model, datamodule=data, verbose=False)
    # What is drawn afterwards takes the model where Lightning leaves it.
    assert model.device.type == "cpu"


def _trainer(**settings: object) -> L.Trainer:
    quieten()
    return L.Trainer(
        deterministic=True, logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, num_sanity_val_steps=0, **{"max_epochs": 1, "limit_train_batches": 2, **settings},
    )  # fmt: skip
