"""Every shipped config composes, and every name in it exists."""

import re

import pytest
from hydra.utils import get_class, get_object
from jsonschema import Draft202012Validator
from omegaconf import OmegaConf

from hepad.config import RunConfig, compose, config_dir
from hepad.config.json_schema import config_schema
from hepad.config.keys import COMMAND_KEYS, check_config, find_kind, leaves
from hepad.config.registry import check_targets, shipped_targets
from hepad.searches.runs import run_of_words
from hepad.searches.settings import read_settings

GROUPS = ("data", "loss", "optimizer", "scheduler", "model", "trainer", "callbacks", "logger", "evaluation")
CHOICES = [
    f"{group}={path.stem}"
    for group in (*GROUPS, "experiment", "debug")
    for path in sorted((config_dir() / group).glob("*.yaml"))
]
# The other files of this directory are for W&B's own sweeps.
CHOICES += ["sweep=grid", "sweep=optuna", "inference=latent_search"]
# From Hydra's own and from plugins.
CHOICES += [f"hydra/launcher={name}" for name in ("basic", "processes", "slurm", "slurm_local")]


@pytest.fixture(scope="module")
def schema():
    return Draft202012Validator(config_schema("train"))


@pytest.mark.parametrize("choice", CHOICES)
def test_every_option_of_every_group_composes_and_fits_the_rows_of_its_keys_and_their_schema(schema, choice):
    # What Hydra fills in when it runs.
    cfg = compose("train", [choice, "paths.run=run"])
    check_targets(OmegaConf.to_container(cfg, resolve=False))
    assert set(GROUPS) - {"loss"} <= set(cfg)
    assert keys_without_a_row(cfg, "train") == [], "give each a row in hepad/keys"
    check_config(cfg)
    if not choice.startswith("hydra/"):
        for resolve in (False, True):
            schema.validate(OmegaConf.to_container(cfg, resolve=resolve))


def keys_without_a_row(cfg, command):
    found = leaves(OmegaConf.to_container(cfg, resolve=False), command)
    return [".".join(path) for path, value in found if find_kind(path, command) is None and value != {}]


@pytest.mark.parametrize("target", sorted(shipped_targets()))
def test_every_target_exists(target):
    assert callable(get_object(target))


@pytest.mark.parametrize("path", sorted(config_dir().glob("*.yaml")), ids=lambda path: path.stem)
def test_every_command_composes_and_each_of_its_keys_has_a_row_that_its_default_fits(path):
    cfg = compose(path.stem)
    assert keys_without_a_row(cfg, path.stem) == []
    check_config(cfg, command=path.stem)


@pytest.mark.parametrize("method", sorted(path.stem for path in (config_dir() / "method").glob("*.yaml")))
def test_every_method_of_a_search_composes_with_its_runs(method):
    cfg = compose("search", [f"method=[{method}]", "name=search"])
    assert list(cfg.methods) == [method]
    assert keys_without_a_row(cfg, "search") == []
    check_config(cfg, command="search")
    (found,) = read_settings(RunConfig.of(cfg)).methods
    for words in filter(None, (found.density, found.classifier)):
        run_of_words(words, method)


def test_every_command_has_a_table_of_keys():
    assert set(COMMAND_KEYS) == {path.stem for path in config_dir().glob("*.yaml")}


@pytest.mark.parametrize("model", sorted(path.stem for path in (config_dir() / "model").glob("*.yaml")))
def test_a_model_chooses_data_it_can_take_and_the_command_line_wins(model):
    cfg = compose("train", [f"model={model}"])
    assert get_class(cfg.data._target_).structure in get_class(cfg.model._target_).structures
    if "loss" in cfg.model:
        assert compose("train", ["loss=huber", f"model={model}"]).model.loss._target_ == "hepad.losses.Huber"


def test_no_secret_of_a_tracker_can_come_from_a_config():
    text = "\n".join(path.read_text() for path in config_dir().rglob("*.yaml"))
    assert not re.findall(r"^\s*\w*api_?key\w*\s*:", text, re.IGNORECASE | re.MULTILINE)
