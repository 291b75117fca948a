"""Configs that the processes of the tests compose from memory are those that Hydra composes."""

import pytest
from hydra._internal import config_loader_impl
from hydra._internal import defaults_list as hydra_defaults
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from omegaconf import DictConfig, OmegaConf
from tests import remembered_configs

from hepad.config import compose


def by_hydra_alone(*words: str) -> DictConfig:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(config_loader_impl, "create_defaults_list", remembered_configs._create_defaults_list)
        patch.setattr(hydra_defaults, "_create_interpolation_map", remembered_configs._choices)
        patch.setattr(ConfigLoaderImpl, "_compose_config_from_defaults_list", remembered_configs._compose)
        return compose("train", words, with_hydra=True)


@pytest.mark.parametrize(
    "words",
    [
        ["model=gan", "trainer.max_epochs=7", "seed=3"],
        ["model=gan", "+data.samples.own=file.h5", "~callbacks"],
        ["experiment=top_vs_qcd", "logger=[wandb,csv]", "hydra.run.dir=run"],
        ["hydra/launcher=slurm_local", "seed=2"],
    ],
    ids=" ".join,
)
def test_they_are_the_same_first_and_later(words):
    expected = by_hydra_alone(*words)
    compose("train", [words[0], "seed=9"])
    for _ in range(2):
        found = compose("train", words, with_hydra=True)
        assert OmegaConf.to_yaml(found) == OmegaConf.to_yaml(expected)
        assert OmegaConf.is_struct(found)


def test_everyone_has_a_copy_and_the_time_of_day_of_it():
    first = compose("train", ["model=dense_ae"])
    OmegaConf.set_struct(first, False)
    first.model.hidden = "changed"
    first.more = 1
    second = compose("train", ["model=dense_ae"], with_hydra=True)
    assert second.model.hidden is None
    assert "more" not in second
    assert not OmegaConf.get_cache(second)["now"]


def test_files_of_a_user_are_read_each_time(tmp_path):
    (tmp_path / "model").mkdir()
    for width in (3, 4):
        (tmp_path / "model/mine.yaml").write_text(f"_target_: hepad.models.DenseAutoencoder\nlatent: {width}\n")
        assert compose("train", [f"hydra.searchpath=[{tmp_path}]", "model=mine"]).model.latent == width
