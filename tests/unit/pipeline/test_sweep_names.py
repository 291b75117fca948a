"""Names of sweeps and jobs: readable, safe, and the same for the same words."""

import pytest

from hepad.core.names import is_name
from hepad.pipeline.jobs import job_name, sweep_name

SETTINGS = {"model": "vae", "loss": "huber", "seed": "1"}


def test_a_job_is_named_by_its_settings_whatever_their_order():
    assert job_name(SETTINGS) == "loss.huber-model.vae-seed.1"
    assert job_name(dict(reversed(SETTINGS.items()))) == job_name(SETTINGS)


@pytest.mark.parametrize(
    "settings",
    [
        {"model.hidden": "[64,32,16]", "optimizer.lr": "1e-3"},
        {"data.samples.signal": "/a/very/long/path/" + "x" * 80},
        {"data.samples.signal": "../../x"},
        {"a": "é ∞"},
        {"x": ".."},
        {},
    ],
)
def test_every_name_is_one_that_a_run_may_have(settings):
    assert is_name(job_name(settings))


def test_settings_that_look_alike_have_different_names():
    values = ["/a/b", "/a_b", "x" * 100, "x" * 101, "a:b", "a b", "[a,b]"]
    assert len({job_name({"key": value}) for value in values}) == len(values)


def test_a_sweep_is_named_by_its_words_whatever_their_order():
    words = ["model=vae,dense_ae", "optimizer.lr=1e-3,1e-4", "data.limit=100"]
    name = sweep_name(["model", "optimizer.lr"], words)
    assert name.startswith("lr-model_")
    assert sweep_name(["optimizer.lr", "model"], words[::-1]) == name
    assert sweep_name(["model", "optimizer.lr"], [*words[:2], "data.limit=200"]) != name
    assert is_name(name)


def test_how_a_sweep_is_summed_up_and_how_long_it_goes_on_do_not_make_it_another():
    more = ["sweep.metric=val/mae", "sweep.n_trials=50", "sweep.use_signals=true", "sweep.direction=maximize"]
    assert sweep_name(["seed"], ["seed=1,2", *more]) == sweep_name(["seed"], ["seed=1,2"])


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "a b", "x" * 65])
def test_what_is_no_name(name):
    assert not is_name(name)
