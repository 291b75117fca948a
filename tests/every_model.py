"""Every model of configs/model on every kind of data it takes, with every loss; discovered, nothing is listed here.

Entries are made up by kind of data, so a new model is covered as soon as its YAML is there.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
import yaml
from hydra.utils import get_class
from omegaconf import DictConfig

from hepad.config import RunConfig, compose, config_dir
from hepad.data import AnomalyDataModule
from hepad.losses import AdversarialLoss
from hepad.models import AnomalyModel, ReconstructionModel
from hepad.models.adversarial import AdversarialModel
from hepad.run.building import build_data, build_model
from tests.conftest import make_table, write_image_file, write_jet_file, write_table_file
from tests.fat_jets import write_fat_jet_file


def write_jet_images(path: Path, n_events: int, seed: int) -> Path:
    images = np.random.default_rng(seed).exponential(size=(n_events, 40, 40)) ** 4
    return write_image_file(path, images=images / images.sum((1, 2), keepdims=True), dataset="jet_images")


def write_constituents(path: Path, n_events: int, seed: int) -> Path:
    return write_fat_jet_file(path, n_jets=n_events, n_prongs=1 + seed, seed=seed)


def write_table(path: Path, n_events: int, seed: int) -> Path:
    return write_table_file(path, make_table(n_events, seed))


def write_showers(path: Path, n_events: int, seed: int) -> Path:
    """Write showers of three unlike sizes, most cells of which are empty."""
    rng = np.random.default_rng(seed)
    cells = rng.exponential(size=(n_events, 9, 8, 7)) ** 3 * (rng.random((n_events, 9, 8, 7)) < 0.3)
    with h5py.File(path, "w") as file:
        file["shower_volume"] = cells.astype(np.float32)
        file["incident_energy"] = rng.uniform(10, 100, n_events).astype(np.float32)
    return path


WRITERS = {
    "jets": write_jet_file,
    "events": write_jet_file,
    "calo": write_image_file,
    "jet_images": write_jet_images,
    "constituents": write_constituents,
    "table": write_table,
    "showers": write_showers,
}


@cache
def composed(*words: str) -> DictConfig:
    """Return the config of a command line; composing takes a while, and every process of a test run needs them all."""
    return compose("train", list(words))


@cache
def _file(group: str, name: str) -> dict[str, Any]:
    """Return what an option's own file holds: composing all of them takes seconds of each process of a test run."""
    found: dict[str, Any] = yaml.safe_load((config_dir() / group / f"{name}.yaml").read_text())
    return found


def _section(model: str) -> dict[str, Any]:
    file = _file("model", model)
    return file.get("model", file)


def options(group: str) -> list[str]:
    return sorted(path.stem for path in (config_dir() / group).glob("*.yaml"))


def fitting_pairs() -> Iterator[tuple[str, str]]:
    for model in options("model"):
        takes = model_class(model).structures
        yield from ((model, data) for data, structure in STRUCTURE.items() if structure in takes)


def model_class(model: str) -> type:
    return get_class(_section(model).get("_target_") or composed(f"model={model}").model._target_)


def data_class(data: str) -> type:
    return get_class(_file("data", data).get("_target_") or composed(f"data={data}").data._target_)


def is_adversarial(loss: str) -> bool:
    return issubclass(get_class(_file("loss", loss)["_target_"]), AdversarialLoss)


def has_loss(model: str) -> bool:
    if "_target_" not in _section(model):
        return "loss" in composed(f"model={model}").model
    return {"override /loss": None} not in _file("model", model).get("defaults", [])


def with_networks(model: str, data: str) -> Iterator[tuple[str, ...]]:
    """A model on one kind of data as it is, and where its network can be chosen, with the one that takes any entry."""
    yield model, data
    if "network" in _section(model) and STRUCTURE[data] != "vector":
        yield model, data, "model.network=dense"


# Data of public sets are these with other settings (tests/unit/data/test_public_sets.py), and so are dijets
# (tests/unit/data/test_bundled_dijets.py).
SHIPPED = [data for data in options("data") if "_target_" in _file("data", data) and data_class(data).kind == data]
STRUCTURE = {data: data_class(data).structure for data in SHIPPED}
VECTORS = [data for data in STRUCTURE if STRUCTURE[data] == "vector"]
PAIRS = list(fitting_pairs())
CLASSES = {model: model_class(model) for model in options("model")}
CASES = [case for pair in PAIRS for case in with_networks(*pair)]
CASES_WITH_SLOTS = [case for case in CASES if STRUCTURE[case[1]] == "set"]
CASES_THAT_RECONSTRUCT = [case for case in CASES if issubclass(CLASSES[case[0]], ReconstructionModel)]
ADVERSARIAL_LOSSES = {loss for loss in options("loss") if is_adversarial(loss)}
# A loss or a device sees how long a vector is, and not what its columns mean: of data that are vectors one is enough.
UNLIKE = [data for data in STRUCTURE if STRUCTURE[data] != "vector" or data == VECTORS[0]]
UNLIKE_PAIRS = [pair for pair in PAIRS if pair[1] in UNLIKE]
WITH_A_LOSS = {model for model in options("model") if has_loss(model)}
LOSSES = [
    (model, data, loss)
    for model, data in UNLIKE_PAIRS
    if model in WITH_A_LOSS
    for loss in options("loss")
    if issubclass(CLASSES[model], AdversarialModel) == (loss in ADVERSARIAL_LOSSES)
]


def build(cfg: DictConfig) -> tuple[AnomalyModel, AnomalyDataModule]:
    """Build a model and its data; entries carry a target and a label, for models that learn them."""
    torch.manual_seed(0)
    config = RunConfig.of(cfg)
    data = build_data(config)
    for entries in (data.train_entries, data.val_entries):
        target = entries.batch.x.flatten(1).std(dim=1).log1p()
        label = (target > target.median()).long()
        object.__setattr__(entries, "batch", entries.batch._replace(target=target, label=label))
    return build_model(config, data), data
