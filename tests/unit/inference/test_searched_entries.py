"""The entries that a latent search takes by default: few enough to end within minutes, the same every time."""

import numpy as np
import pytest
import torch
from tests.conftest import write_image_file
from torch import nn

from hepad.config import RunConfig, compose
from hepad.inference import searched_entries
from hepad.inference.search_settings import SearchSettings
from hepad.inference.searched_entries import SECONDS, entries_per_sample, limit_tested, seconds_per_entry
from hepad.nn import LatentNetwork
from hepad.run.building import build_data, build_inference, build_model

GENERATOR = LatentNetwork(nn.Sequential(nn.Linear(10, 100), nn.ReLU(), nn.Linear(100, 20)), (10,), True)


def test_a_search_costs_its_operations_and_the_memory_that_weights_pass_through():
    codes = SearchSettings(n_seed=2, steps=9, gamma_theta=0)
    operations = 2 * (10 * 100 + 100 * 20) * 3 * 2 * 10
    assert seconds_per_entry(GENERATOR, codes) == pytest.approx(operations / 20e9)
    weights = SearchSettings(n_seed=2, steps=9, gamma_theta=1e-4)
    memory = 40 * (10 * 100 + 100 + 100 * 20 + 20) * 2 * 10
    assert seconds_per_entry(GENERATOR, weights) == pytest.approx(operations / 20e9 + memory / 10e9)


def test_counting_leaves_the_network_as_it_is():
    network = nn.Sequential(nn.Linear(10, 20), nn.BatchNorm1d(20)).train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    seconds_per_entry(LatentNetwork(network, (10,), True), SearchSettings())
    assert network.training
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name]), name


@pytest.mark.parametrize("sizes", [{"a": 1}, {"a": 500, "b": 20, "c": 7000}, {"a": 300, "b": 300, "c": 300}])
@pytest.mark.parametrize("seconds", [1e-6, 0.03, 0.3])
def test_what_is_searched_takes_the_time_there_is_and_no_more(sizes, seconds):
    most = entries_per_sample(sizes, seconds)
    searched = sum(size if most is None else min(size, most) for size in sizes.values())
    assert searched * seconds <= max(SECONDS, 100 * len(sizes) * seconds)
    if most is not None:
        assert (searched + len(sizes)) * seconds > SECONDS


def composed(tmp_path, *words):
    samples = []
    for seed, name in enumerate(("background", "signal")):
        path = write_image_file(tmp_path / f"{name}.h5", 400, seed)
        samples.append(f"+data.samples.{name}={path}")
    few = ["data.bundled=false", "data.background=background", f"paths.run={tmp_path}", "inference=latent_search"]
    return RunConfig.of(compose("train", ["model=gan", "data=calo", *few, *samples, *words]))


def searched(tmp_path, *words):
    torch.manual_seed(0)
    cfg = composed(tmp_path, *words)
    data = build_data(cfg)
    build_inference(cfg, build_model(cfg, data), data, tmp_path)
    return {sample: entries.index.tolist() for sample, entries in data.test_entries.items()}


def test_entries_are_spread_over_all_and_chosen_once(tmp_path):
    every = searched(tmp_path, "inference.entries=null")
    some = searched(tmp_path, "inference.entries=30")
    assert [len(rows) for rows in some.values()] == [30, 30]
    for sample, rows in some.items():
        assert set(rows) <= set(every[sample])
        assert rows[0] == every[sample][0]
        assert rows[-1] == every[sample][-1]
    assert searched(tmp_path, "inference.entries=30") == some
    assert searched(tmp_path) == every  # Few as they are, all are searched.


def test_every_entry_of_folds_is_searched(tmp_path, monkeypatch):
    monkeypatch.setattr(searched_entries, "SECONDS", 0.0)
    assert [len(rows) for rows in searched(tmp_path).values()] == [80, 100]
    assert [len(rows) for rows in searched(tmp_path, "data.folds=2", "data.fold=0").values()] == [200, 400]


def test_what_is_left_out_is_said(tmp_path):
    data = build_data(composed(tmp_path))
    assert limit_tested(data, 90) == "a latent search of some of the tested entries: 90 of 400 of signal"
    assert limit_tested(data, 90) == ""
    assert np.diff(data.test_entries["signal"].index).min() >= 4
