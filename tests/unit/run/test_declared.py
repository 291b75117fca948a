"""What classes declare, read from their source, and refusals that need no torch."""

import subprocess
import sys

import h5py
import numpy as np
import pytest

from hepad.checks.combinations import validate
from hepad.checks.declared import Declared, exported
from hepad.checks.features import check_named_features
from hepad.checks.fitting import check_declared, learns_labels
from hepad.config import RunConfig, compose
from hepad.config.registry import get_class, shipped_targets
from hepad.core.errors import UserError
from hepad.models import Searchable

FLAGS = (
    "structures", "structure", "kind", "monitors", "context_use", "takes_penalty", "learns_targets",
    "manual_optimization",
)  # fmt: skip
ROOMS = ("hepad.models", "hepad.data", "hepad.losses")
CLASSES = sorted(target for target in shipped_targets() if target.rpartition(".")[0] in ROOMS)
CODES = ("latent_network", "latent_target", "encode_batch")

SAID_BY_VALIDATE = (
    ("model=dense_ae", "loss=ssim"),
    ("model=td_ae", "data=calo"),
    ("model=conv_ae", "data=jets"),
    ("model=dense_ae", "loss=weighted"),
    ("model=dense_ae", "data.context=[m_jj]"),
    ("model=gan", "trainer.gradient_clip_val=1"),
    ("callbacks.early_stopping.monitor=val/mae", "model=flow"),
    ("model=trees",),
    ("model=classifier", "data.train=[{sample: zero_bias, label: 0}]"),
)
LABELS = "data.train=[{sample: zero_bias, label: 0}, {sample: ttbar, label: 1}]"


@pytest.mark.parametrize("target", CLASSES)
def test_source_says_what_the_class_has(target):
    found, real = Declared(target), get_class(target)
    assert found.__name__ == real.__name__
    assert {name: getattr(found, name, None) for name in FLAGS} == {name: getattr(real, name, None) for name in FLAGS}
    codes = Searchable.__protocol_attrs__ if hasattr(Searchable, "__protocol_attrs__") else CODES
    assert all(map(found.declares, codes)) == all(hasattr(real, name) for name in codes)
    for base in ("ReconstructionModel", "AlternatingModel", "ReconstructionLoss", "AdversarialLoss"):
        assert found.derives_from(base) == any(one.__name__ == base for one in real.__mro__)


def test_exports_are_classes_of_the_package():
    assert {"CaloDataModule", "JetsDataModule"} <= {found.__name__ for found in exported("hepad.data")}


@pytest.mark.parametrize("target", ["torch.optim.Adam", "hepad.models.Nothing", "hepad.nothing.Nothing"])
def test_no_class_of_hepad(target):
    with pytest.raises(LookupError):
        Declared(target)


def _said(check, *words):
    with pytest.raises(UserError) as error:
        check(RunConfig.of(compose("train", [*words, "paths.run=my_run"])))
    return str(error.value)


@pytest.mark.parametrize("words", SAID_BY_VALIDATE)
def test_same_words_early_and_late(words):
    assert _said(check_declared, *words) == _said(validate, *words)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("model=gan", "loss=mse"), "GAN: loss MSE compares entries; use loss=hinge"),
        (("model=dense_ae", "loss=hinge"), "DenseAutoencoder: loss Hinge does not compare entries; use mse"),
        (("model=double_ae", "loss=hinge"), "DoubleAutoencoder: loss Hinge does not compare entries; use mse"),
        (("model=deep_svdd", "inference=latent_search"), "inference=latent_search needs a generator or a decoder"),
    ],
)
def test_what_constructors_would_say(words, said):
    assert said in _said(check_declared, *words)


@pytest.mark.parametrize(
    "words", [(), ("model=gan",), ("model=vae", "inference=latent_search"), ("model=trees", LABELS)]
)
def test_what_fits_passes(words):
    check_declared(RunConfig.of(compose("train", [*words, "paths.run=my_run"])))


def test_classes_of_a_user_are_left_to_whoever_imports_them():
    cfg = compose("train", ["model=td_ae", "data=calo", "paths.run=my_run", "model._target_=mine.Model"])
    check_declared(RunConfig.of(cfg))


@pytest.mark.parametrize("target", [one for one in CLASSES if one.startswith("hepad.models.")])
def test_source_says_which_models_learn_labels(target):
    for settings in ({}, {"kind": "boosting"}, {"kind": "isolation_forest"}):
        assert learns_labels(Declared(target), settings) == get_class(target).learns_labels(settings)


def _refusal_of_features(**data):
    try:
        check_named_features({"_target_": "hepad.data.JetsDataModule", "samples": {}, **data}, "zero_bias")
    except UserError as error:
        return str(error)
    return ""


def test_a_feature_that_the_background_lacks_is_refused(tmp_path):
    assert "zero_bias.h5 has no feature nope; it has: pt, eta" in _refusal_of_features(features=["nope"])
    assert _refusal_of_features(features=["pt", "eta"]) == _refusal_of_features(features=None) == ""
    with h5py.File(tmp_path / "mine.h5", "w") as file:
        file["jet_event_data"] = np.ones((3, 1, 2), "f4")
        file["jet_event_data"].attrs["features"] = ["a", "b"]
    own = {"zero_bias": str(tmp_path / "mine.h5")}
    assert _refusal_of_features(features=["b"], samples=own) == ""
    assert "it has: a, b; data.features=[b] takes those" in _refusal_of_features(features=["b", "pt"], samples=own)
    # Other data know their columns themselves.
    assert _refusal_of_features(features=["pt"], samples=own, _target_="hepad.data.TableDataModule") == ""


def test_torch_is_not_imported():
    features = "check_named_features({'_target_': 'hepad.data.JetsDataModule', 'features': ['pt']}, 'zero_bias')"
    code = (
        "import sys, hepad.checks.before_torch; from hepad.checks.features import check_named_features; "
        f"{features}; assert 'torch' not in sys.modules, 'torch'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
