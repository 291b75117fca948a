"""What a config may build, section by section: the config of a stranger's run names nothing that is built unseen."""

import copy

import pytest
from omegaconf import OmegaConf

from hepad.config import compose
from hepad.config.keys.check import check_sections
from hepad.core.errors import UserError

WEIGHTED = {
    "_target_": "hepad.losses.WeightedSum",
    "losses": {"mse": {"_target_": "hepad.losses.MSE"}, "ssim": {"_target_": "hepad.losses.SSIM"}},
    "weights": {"mse": 1.0, "ssim": 1.0},
}
WRITES = {"_target_": "hepad.logging.loggers.wandb_logger", "save_dir": "elsewhere", "mode": "offline"}


@pytest.fixture(scope="module")
def whole():
    words = ["model=conv_ae", "inference=latent_search", "logger=csv", "scheduler=cosine", "paths.run=run"]
    cfg = compose("train", words)
    return {key: OmegaConf.to_container(cfg[key], resolve=True) for key in cfg if OmegaConf.is_config(cfg[key])}


def changed(config, place, value):
    config = copy.deepcopy(config)
    parent = config
    for part in place[:-1]:
        parent = parent[part]
    parent[place[-1]] = value
    return config


def test_losses_are_parts_of_models_searches_and_losses(whole):
    check_sections(whole)
    check_sections(changed(whole, ("model", "loss"), WEIGHTED))
    check_sections(changed(whole, ("inference", "loss"), WEIGHTED))


@pytest.mark.parametrize(
    "place",
    [
        ("data", "more"),
        ("data", "samples", "more"),
        ("trainer", "more"),
        ("optimizer", "more"),
        ("scheduler", "more"),
        ("inference", "more"),
        ("inference", "loss", "more"),
        ("model", "loss", "more"),
        ("callbacks", "checkpoint", "more"),
        ("logger", "csv", "more"),
    ],
    ids=".".join,
)
@pytest.mark.parametrize("value", [WRITES, [WRITES], {"deeper": WRITES}], ids=["there", "in a list", "deeper"])
def test_nothing_is_built_inside_what_has_no_parts(whole, place, value):
    with pytest.raises(UserError, match=r"_target_=hepad\.logging\.loggers\.wandb_logger"):
        check_sections(changed(whole, place, value))
