"""A run's config as one object: resolved once, read by name and type, and changed by nobody."""

from dataclasses import FrozenInstanceError

import pytest
from omegaconf import OmegaConf
from tests.every_model import options

from hepad.callbacks.diagnostics import N_ENTRIES
from hepad.config import RunConfig, compose
from hepad.config.sections import Component, EvaluationConfig


@pytest.fixture(scope="module")
def config():
    words = ["model=vae", "scheduler=cosine", "logger=csv", "inference=latent_search", "paths.run=my_run"]
    return RunConfig.of(compose("train", words))


def test_sections_are_read_by_name_and_type(config):
    assert (config.seed, config.run_dir, config.sweep_job) == (42, "my_run", None)
    assert config.model.target == "hepad.models.VariationalAutoencoder"
    assert config.model["loss"]["_target_"] == "hepad.losses.MSE"
    assert (config.data.background, config.data.bundled, config.data.samples) == ("zero_bias", True, {})
    assert (config.data.targets, config.data.folds, config.data.fold) == (None, None, None)
    assert config.trainer.strategy == "auto"
    assert config.optimizer["lr"] == 1e-3
    assert config.scheduler is not None
    assert config.scheduler["T_max"] == config.trainer.max_epochs == 100
    assert config.inference is not None
    assert config.loggers["csv"]["save_dir"] == "my_run"
    assert config.callbacks["checkpoint"]["dirpath"] == "my_run/checkpoints"
    assert config.evaluation.references is None
    assert config.value("model.loss._target_") == "hepad.losses.MSE"
    assert config.value("model.loss.nothing.here") is None


def test_what_is_switched_off_is_not_there():
    config = RunConfig.of(compose("train", ["logger=none", "callbacks.early_stopping=null", "paths.run=my_run"]))
    assert (config.scheduler, config.inference, config.loggers) == (None, None, {})
    assert "early_stopping" not in config.callbacks


def test_limits_are_of_all_samples_or_of_each(config):
    assert [config.changed({"data.limit": limit}).data.limit_of("a") for limit in (None, 5, {"a": 3}, {"b": 3})] == [
        None, 5, 3, None,
    ]  # fmt: skip


def test_nothing_that_is_read_leads_to_the_config(config):
    before = config.yaml()
    config.plain()["seed"] = 1
    config.model.plain()["loss"]["_target_"] = "other"
    config.model["loss"]["_target_"] = "other"
    config.value("data")["background"] = "other"
    config.data.samples["more"] = "file.h5"
    config.callbacks.clear()
    assert config.yaml() == before


def test_nothing_can_be_assigned(config):
    with pytest.raises(FrozenInstanceError):
        config.seed = 1
    with pytest.raises(FrozenInstanceError):
        config.evaluation.plots = False
    with pytest.raises(FrozenInstanceError):
        config.model.latent = 3
    with pytest.raises(TypeError, match="does not support item assignment"):
        config.model["latent"] = 3


def test_the_config_that_it_was_made_of_may_change_afterwards(config):
    plain = config.plain()
    made = RunConfig.of(plain)
    plain["model"]["loss"] = None
    assert made == config
    values = {"a": 1}
    changed = config.changed({"data.limit": values})
    values["a"] = 2
    assert changed.data.limit_of("a") == 1


def test_changes_make_another_config_in_which_all_else_stays(config):
    changed = config.changed({"trainer.max_epochs": 3, "logger.wandb.mode": "offline", "evaluation.fprs": [0.5, 1]})
    assert (config.trainer.max_epochs, changed.trainer.max_epochs) == (100, 3)
    # References were resolved when the config was made.
    assert changed.scheduler is not None
    assert changed.scheduler["T_max"] == 100
    assert changed.loggers["wandb"] == {"mode": "offline"}
    assert changed.evaluation.fprs == (0.5, 1)
    assert [*changed.plain()] == [*config.plain()]
    assert changed.changed({"evaluation.fprs.1": 0.1}).evaluation.fprs == (0.5, 0.1)
    differing = {key for key, value in changed.plain().items() if value != config.plain()[key]}
    assert differing == {"trainer", "logger", "evaluation"}


def test_references_see_what_was_changed_before_they_are_resolved():
    composed = compose("train", ["scheduler=cosine"])
    config = RunConfig.of(composed, {"trainer.max_epochs": 7, "seed": 3, "paths.run": "there"})
    assert config.scheduler is not None
    assert (config.scheduler["T_max"], config.data["seed"], config.run_dir) == (7, 3, "there")
    assert config.callbacks["checkpoint"]["dirpath"] == "there/checkpoints"
    assert composed.trainer.max_epochs == 100


def test_a_config_that_is_one_already_is_taken_as_it_is(config):
    assert RunConfig.of(config) is config
    assert RunConfig.of(config, {"seed": 1}).seed == 1


@pytest.mark.parametrize("model", options("model"))
def test_the_text_is_what_omegaconf_writes(model):
    composed = compose("train", [f"model={model}", "paths.run=my_run"])
    text = OmegaConf.to_yaml(composed, resolve=True)
    config = RunConfig.of(composed)
    assert config.yaml() == text
    assert RunConfig.of(OmegaConf.to_container(OmegaConf.create(text))).yaml() == text


def test_a_config_of_before_a_key_was_there_has_its_default(config):
    old = config.plain()
    for key in ("references", "plots", "formats", "symmetry_entries"):
        del old["evaluation"][key]
    for key in ("half", "targets", "folds", "fold", "limit"):
        old["data"].pop(key, None)
    for key in ("scheduler", "inference", "logger", "callbacks", "sweep"):
        del old[key]
    read = RunConfig.of(old)
    assert read.evaluation == EvaluationConfig(None, config.evaluation.fprs, True, ("png",), N_ENTRIES)
    assert (read.scheduler, read.inference, read.loggers, read.callbacks, read.sweep_job) == (None, None, {}, {}, None)
    assert (read.data.targets, read.data.folds, read.data.limit_of("zero_bias")) == (None, None, None)


def test_a_component_is_a_mapping():
    component = Component({"_target_": "a.B", "sizes": [1, 2]})
    assert {**component} == {"_target_": "a.B", "sizes": [1, 2]} == component
    assert (component.get("more", 3), "more" in component, len(component)) == (3, False, 2)
    component["sizes"].append(3)
    assert component["sizes"] == [1, 2]
