"""Models and losses ask for the structure of entries, never for the name of a data set."""

from types import SimpleNamespace

import pytest
from tests.every_model import data_class, options

from hepad.checks.combinations import check_data
from hepad.checks.fitting import check_loss, check_model
from hepad.config import RunConfig, compose
from hepad.core.errors import UserError
from hepad.core.schema import STRUCTURES
from hepad.data import JetsDataModule
from hepad.losses import MSE, SSIM
from hepad.models import DenseAutoencoder
from hepad.pipeline.teachers import DEFAULT_TEACHERS, teacher_config


class Tracks(JetsDataModule):
    """Data of the user's own, of a kind that hepad has never heard of."""

    kind = "tracks"


class Old(DenseAutoencoder):
    """A model that was written for an earlier version, when models named data sets."""

    kinds = frozenset({"jets"})


class OldLoss(MSE):
    """A loss of that time."""

    kinds = frozenset({"calo"})


def line(check, *arguments):
    with pytest.raises(UserError) as error:
        check(*arguments)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("data", options("data"))
def test_every_data_set_says_what_its_entries_are(data):
    check_data(data_class(data))
    assert data_class(data).structure in {*DEFAULT_TEACHERS, "volume"}


def test_a_model_takes_vectors_whatever_they_are_called():
    check_model(DenseAutoencoder, Tracks)
    check_loss(MSE, Tracks, "")
    assert "not for the vectors of data=tracks; no other" in line(check_loss, SSIM, Tracks, "no other")


def test_a_model_of_an_earlier_version_is_told_what_to_declare():
    said = line(check_model, Old, JetsDataModule)
    assert "model Old declares `kinds`, which is no longer read" in said
    assert 'structures = frozenset({"vector"})' in said
    assert "loss OldLoss declares `kinds`" in line(check_loss, OldLoss, JetsDataModule, "")


@pytest.mark.parametrize(
    ("structures", "said"),
    [({}, "does not declare what it takes"), ({"structures": {"vector", "graph"}}, "the structures graph; allowed")],
)
def test_a_model_that_declares_nothing_or_something_unknown(structures, said):
    model = SimpleNamespace(__name__="Mine", **structures)
    assert said in line(check_model, model, JetsDataModule)


@pytest.mark.parametrize("declared", [{}, {"structure": "jets"}])
def test_data_without_a_structure_are_told_what_to_declare(declared):
    said = line(check_data, SimpleNamespace(__name__="Mine", **declared))
    assert all(name in said for name in STRUCTURES)


@pytest.mark.parametrize(
    ("kind", "data", "model"),
    [
        (Tracks, "jets", "DenseAutoencoder"),
        (data_class("calo"), "calo", "CicadaAutoencoder"),
        (data_class("jet_images"), "jet_images", "ConvAutoencoder"),
    ],
)
def test_a_teacher_is_chosen_by_structure_unless_the_data_name_one(tmp_path, kind, data, model):
    cfg = compose("train", ["model=distilled", f"data={data}", f"paths.run={tmp_path}"])
    assert teacher_config(RunConfig.of(cfg), kind, tmp_path / "teacher").model.target == f"hepad.models.{model}"
