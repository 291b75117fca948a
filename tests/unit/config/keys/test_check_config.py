"""One schema of all keys: what it refuses, on the command line and on load."""

import doctest

import pytest
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf

import hepad.config.keys.check
from hepad.config import compose
from hepad.config.keys import check_config
from hepad.core.errors import UserError
from hepad.rundir.config_file import flat_settings

REFUSED = [
    ("seed", "abc", "seed=abc: an integer from 0 to 2147483647 is needed"),
    ("seed", True, "seed=true: an integer"),
    ("seed", -1, "an integer from 0"),
    ("optimizer.betas", [0.9], "optimizer.betas=[0.9]: a list of 2 numbers below 1, such as [0.9,0.999] is needed"),
    ("optimizer.betas", [0.9, 1.5], "optimizer.betas[1]=1.5: a number of at least 0 and below 1"),
    ("optimizer.lr", float("nan"), "optimizer.lr=nan: a positive number"),
    ("optimizer.lr", 10**400, "a positive number"),
    ("data.limit", 10.5, "an integer of at least 1 or a mapping"),
    ("data.limit", "abc", "data.limit=abc"),
    ("data.limit", float("inf"), "data.limit=inf"),
    ("data.limit", {"ttbar": -3}, "data.limit.ttbar=-3: an integer of at least 1"),
    ("data.features", [1, 2], "data.features[0]=1: a word is needed"),
    ("data.features", "pt", "a list of one or more names, such as [a,b] is needed"),
    ("data.train", [], "data.train=[]: a list of one or more roles, such as [{sample: zero_bias, region: sidebands}]"),
    (
        "data.train",
        [{"label": 1}],
        "data.train[0]={'label': 1}: a mapping such as {sample: zero_bias, region: sidebands}",
    ),
    ("data.train", [{"sample": "a", "lable": 1}], "data.train[0].lable=1: no such key; allowed: sample, region, label"),
    ("data.train", [{"sample": "a", "weight": -0.5}], "data.train[0].weight=-0.5: a positive number is needed"),
    ("data.train", [{"sample": "a", "label": 0.5}], "data.train[0].label=0.5: an integer from 0"),
    ("data.regions", {"sr": 5}, "data.regions.sr=5: a mapping such as {m_jj: [3300, 3700]} is needed"),
    ("data.regions", {"sr": {"m_jj": ["a", 5]}}, "data.regions.sr.m_jj[0]=a: a number is needed"),
    ("data.context", "m_jj", "data.context=m_jj: a list of names, such as [m_jj] is needed"),
    ("data.folds", 1, "data.folds=1: an integer from 2 to 1000 is needed"),
    ("data.fold", -1, "data.fold=-1: an integer of at least 0 is needed"),
    ("data.samples", {"../../escape/evil": "x.h5"}, "letters, digits"),
    (
        "data.samples",
        {"a": ["x.h5", 3]},
        "data.samples.a[1]=3: a file is needed",
    ),
    ("data.samples", None, "a mapping such as {mine: FILE} is needed"),
    ("data.background", "../../escape/evil", "data.background=../../escape/evil"),
    ("evaluation.fprs", ["a"], "evaluation.fprs[0]=a: a number above 0 and at most 1 is needed"),
    ("evaluation.formats", ["pgn"], "allowed: png, pdf, svg; did you mean 'png'?"),
    ("trainer.accelerator", "tpu", "allowed: auto, cpu, gpu, cuda, mps"),
    ("trainer.precision", 17, "trainer.precision=17: allowed: 32-true, 64-true"),
    ("trainer.limit_val_batches", 0, "a number above 0 and at most 1"),
    ("trainer.limit_test_batches", 2, "evaluation always scores every entry"),
    ("trainer.fast_dev_run", True, "debug=fast"),
    ("trainer", [], "trainer=[]: a section with keys of its own is needed"),
    ("data", "pt", "data=pt: a section"),
    ("callbacks", 3, "callbacks=3: a section"),
    ("scheduler", "x", "scheduler=x: a section"),
    ("trainer.max_epochs", 10**30, "trainer.max_epochs"),
    ("model.hidden", [1000000], "model.hidden[0]=1000000: an integer from 1 to 65536"),
    ("model.hidden", 16, "a list of widths, such as [64,16] is needed"),
    ("model.hidden", [65536] * 60, "can be trained in the memory of this machine"),
    ("model.activation", "rellu", "did you mean 'relu'?"),
    ("model.loss", {"_target_": "hepad.losses.Huber", "delta": "x"}, "model.loss.delta=x: a positive number"),
    ("inference.steps", 10**9, "inference.steps"),
    ("callbacks.early_stopping.patience", -1, "callbacks.early_stopping.patience=-1"),
    ("sweep.metric", ["a", "b"], "sweep.metric=['a', 'b']: the name of a metric, such as val/loss is needed"),
    ("logger.wandb.name", "../x", "logger.wandb.name=../x: 1 to 64 letters"),
    ("paths.run", "a\nb", "paths.run=a b: a directory is needed"),
    ("unknown.key", float("inf"), "unknown.key=inf: a finite number"),
    ("model.unknown", {"deep": float("nan")}, "model.unknown.deep=nan"),
    ("seed", "${oc.env:HOME}", "seed=${oc.env:HOME}: a run's config holds values, no references"),
]

FITTING = [
    ("data.limit", {"ttbar": 5, "radion": None}),
    ("data.train", [{"sample": "a", "region": None, "label": 0, "weight": 0.5}, {"sample": "b"}]),
    ("data.regions", {"sr": {"m_jj": [3300, None], "pt": [[None, 20], [30, 40.5]]}}),
    ("data.samples", {"Zprime_m3.5": "/a b/c=d,[e].h5", "2018D": None}),
    ("trainer.limit_train_batches", 0.25),
    ("trainer.limit_train_batches", 3),
    ("trainer.devices", [0, 1]),
    ("trainer.max_steps", -1),
    ("optimizer.lr", 1),
    ("model.loss.terms", {"a": {"weight": 0.5, "loss": {"_target_": "hepad.losses.Huber", "delta": 2.0}}}),
    ("model", {"_target_": "my_models.Flow", "latent": [1, 2], "activation": {"own": "words"}}),
]


@pytest.fixture(scope="module")
def stored():
    """The config of a run, as its config.yaml holds it."""
    cfg = compose("train", ["paths.run=run", "inference=latent_search"])
    return OmegaConf.to_container(cfg, resolve=True)


def changed(config, key, value):
    new = OmegaConf.create(config)
    OmegaConf.update(new, key, value, merge=False, force_add=True)
    return OmegaConf.to_container(new)


@pytest.mark.parametrize(("key", "value", "said"), REFUSED)
def test_a_value_that_does_not_fit_is_named_with_what_would_be_right(stored, key, value, said):
    with pytest.raises(UserError) as refused:
        check_config(changed(stored, key, value), "runs/a/config.yaml")
    assert said in str(refused.value)
    assert str(refused.value).startswith("runs/a/config.yaml: ")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(("key", "value"), FITTING)
def test_what_fits_passes(stored, key, value):
    check_config(changed(stored, key, value), "runs/a/config.yaml")


@pytest.mark.parametrize("key", ["seed", "data", "data.samples", "trainer.max_epochs", "paths", "evaluation.fprs"])
def test_a_stored_config_without_a_part_of_it_is_refused_by_name(stored, key):
    parent, _, name = key.rpartition(".")
    incomplete = OmegaConf.to_container(OmegaConf.create(stored))
    (incomplete[parent] if parent else incomplete).pop(name)
    with pytest.raises(UserError, match=f"{key}.* is missing"):
        check_config(incomplete, "config.yaml")


@pytest.mark.parametrize("config", [None, [], "text", 3])
def test_what_is_no_config_is_refused(config):
    with pytest.raises(UserError, match="not a config"):
        check_config(config, "config.yaml")


def test_no_type_of_value_passes_everywhere(stored):
    """Every key refuses at least one of a few absurd values: no row lets everything through."""
    absurd = ({"a": {"b": [1]}}, [[[]]], float("nan"), "\x00", -(10**400), object())
    for key in flat_settings(stored):
        passed = 0
        for value in absurd:
            try:
                check_config(changed_in_place(stored, key, value))
                passed += 1
            except UserError:
                continue
        assert passed < len(absurd), key


def changed_in_place(config, key, value):
    if "." not in key:
        return {**config, key: value}
    first, _, rest = key.partition(".")
    return {**config, first: changed_in_place(config[first], rest, value)}


@pytest.mark.parametrize("mistake", [None, "paths.run=null", "callbacks.checkpoint.dirpath=null"])
def test_a_directory_that_hydra_has_not_chosen_yet_is_no_mistake(monkeypatch, mistake):
    # As a second sweep in one process finds it: what Hydra knows is of the first.
    monkeypatch.setattr(HydraConfig.instance(), "cfg", compose("train", with_hydra=True))
    cfg = compose("train", ["sweep=optuna" if mistake is None else mistake])
    if mistake is None:
        check_config(cfg)
        return
    with pytest.raises(UserError, match="=null: a directory is needed"):
        check_config(cfg)


def test_the_examples_are_true():
    assert doctest.testmod(hepad.config.keys.check).failed == 0


def test_a_model_that_is_not_hepads_may_use_a_name_of_the_table_in_its_own_way(stored):
    mine = {**stored["model"], "_target_": "my_package.Model", "hidden": 3, "latent": "two"}
    check_config({**stored, "model": mine}, origin="config.yaml")
    loss = {"_target_": "hepad.losses.Huber", "delta": -1}
    with pytest.raises(UserError, match=r"model\.loss\.delta=-1"):
        check_config({**stored, "model": {**mine, "loss": loss}}, origin="config.yaml")
