"""A teacher scores entries that were made in one way; a student's must be made in the same."""

import json
import shutil

import pytest

from hepad import train
from tests.fat_jets import write_fat_jet_file
from tests.runs.conftest import call, two_samples

QUICK = ["logger=none", "trainer.max_epochs=1", "evaluation.plots=false", "data.batch_size=64"]
DENSE = ["model=denoising_ae", "model.network=dense", "model.hidden=[8]", "data.half=first"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A directory with a teacher of jet images and one of jets, each also as an earlier version left it."""
    directory = tmp_path_factory.mktemp("teachers")
    for words, teacher in (
        ([*images(directory), "data.power=0.5"], "images"),
        ([*two_samples(directory), "data=jets", "data.features=[pt,eta,mass]"], "jets"),
    ):
        done = call(train.main, directory, *words, *DENSE, *QUICK, f"hydra.run.dir={teacher}")
        assert done.code == 0, done.err
        shutil.copytree(directory / teacher, directory / f"old_{teacher}")
        facts = json.loads((directory / teacher / "provenance.json").read_text())
        del facts["entries"]
        (directory / f"old_{teacher}/provenance.json").write_text(json.dumps(facts))
    return directory


def images(directory) -> list[str]:
    path = write_fat_jet_file(directory / "fat.h5")
    return ["data=jet_images", "data.bundled=false", "data.background=fat", f"data.samples.fat={path}"]


@pytest.mark.parametrize(
    ("age", "word", "said"),
    [
        ("", "data.power=1", "power was 0.5, here it is 1;"),
        ("old_", "data.power=1", "power was 0.5, here it is 1;"),
        ("", "data.center=axis", "center was centroid, here it is axis"),
        ("old_", "data.rotate=false", "rotate was True, here it is False"),
        ("", "data.n_pixels=20", "(1, 40, 40), here they are (1, 20, 20)"),
    ],
)
def test_other_preprocessing_of_images_is_named(place, age, word, said):
    words = [*images(place), "data.power=0.5", word, *QUICK, "model=distilled", f"model.teacher={age}images"]
    done = call(train.main, place, *words, "hydra.run.dir=refused")
    assert (done.code, done.err.count("\n")) == (2, 1), done.err
    assert said in done.err
    assert not (place / "refused").exists()


@pytest.mark.parametrize(
    ("age", "word", "said"),
    [
        ("", "data.features=[pt,mass,eta]", "features was [pt,eta,mass], here it is [pt,mass,eta]"),
        ("old_", "data.min_pt=20", "min_pt was 0.0, here it is 20;"),
    ],
)
def test_other_jets_are_named(place, age, word, said):
    jets = [*two_samples(place), "data=jets", "data.features=[pt,eta,mass]", word]
    done = call(train.main, place, *jets, *QUICK, "model=distilled", f"model.teacher={age}jets")
    assert done.code == 2
    assert said in done.err


@pytest.mark.parametrize("age", ["", pytest.param("old_", marks=pytest.mark.thorough)])
def test_the_same_entries_can_be_learned(place, tmp_path, age):
    words = [*images(place), "data.power=0.5", *QUICK, "model=distilled", f"model.teacher={age}images"]
    done = call(train.main, place, *words, f"hydra.run.dir={tmp_path / 'student'}")
    assert done.code == 0, done.err
