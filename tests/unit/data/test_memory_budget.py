"""The budget of memory: how it is written, when entries exceed it, and what is refused then."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from hepad.core.byte_sizes import parse_bytes, told_bytes
from hepad.core.errors import UserError
from hepad.data import JetsDataModule
from hepad.data.split import Split
from hepad.data.streaming import budget
from hepad.data.streaming.budget import Probe, divide, fair_shares


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2GB", 2 * 10**9), ("1.5 GiB", 3 << 29), ("500mb", 5 * 10**8), ("7", 7), (1024, 1024), (2e9, 2 * 10**9),
        ("", None), ("2 gallons", None), ("-2GB", None), (0, None), (True, None), (float("nan"), None), (None, None),
        ("1e30GB", None), ("9" * 40, None), ([1], None), (10**400, None), (float("inf"), None),
    ],
)  # fmt: skip
def test_a_number_of_bytes_is_read_as_users_write_it(given, expected):
    assert parse_bytes(given) == expected


@pytest.mark.parametrize("n", [1, 999, 123_456, 5 * 10**7, 3 * 10**12])
def test_what_is_told_is_read_again(n):
    assert parse_bytes(told_bytes(n)) == pytest.approx(n, rel=0.01)


@pytest.fixture
def source(write_jets):
    return str(write_jets("zb", n_events=300))


def module(source, **settings):
    found = JetsDataModule(samples={"zb": source}, background="zb", bundled=False, batch_size=8, **settings)
    found.setup()
    return found


def test_by_default_the_budget_is_a_share_of_what_is_free(source, monkeypatch):
    assert module(source).streamed is None
    monkeypatch.setattr(budget, "available_memory", lambda: 10**6)
    assert module(source).streamed.memory == 800_000
    monkeypatch.setattr(budget, "available_memory", lambda: None)
    assert module(source).streamed is None


def test_shapes_alone_say_that_a_small_set_fits(source, monkeypatch):
    monkeypatch.setattr(budget, "probe", None)
    assert module(source, memory="1GB").streamed is None


def test_the_estimate_is_that_of_the_entries(source):
    data = module(source)
    found = budget.probe(data, "zb", data.files["zb"], None)
    n = sum(len(part) for part in (data.train_entries, data.val_entries, data.test_entries["zb"]))
    assert found.n_entries == pytest.approx(n, rel=0.02)
    # 17 features in float32, as observables in float64, and row, slot, weight and label.
    assert found.entry_bytes == 17 * 12 + 28
    assert budget.probe(data, "zb", data.files["zb"], 50).n_entries == 50


def test_the_parts_of_a_budget_are_within_it():
    found = Probe(n_rows=10**6, n_entries=3 * 10**6, entry_bytes=232, batch_bytes=80, row_bytes=544, chunk=1000)
    plan = divide(10**8, {"s": found}, {"s": 0.6}, batch_size=512)
    assert 4 * plan.drawn * 232 <= 0.25 * 10**8
    assert 4 * plan.buffer * 80 <= 0.25 * 10**8
    assert plan.block_rows["s"] % 1000 == 0
    assert plan.buffer / (plan.block_rows["s"] * 3 * 0.6) >= 8
    with pytest.raises(UserError, match=r"data\.memory=20 MB is too little .* at least 40\.4 MB are needed"):
        divide(2 * 10**7, {"s": found}, {"s": 0.6}, batch_size=512)


def test_small_samples_leave_their_share_to_larger_ones():
    assert fair_shares({"a": 5, "b": 1000, "c": 80}, 205) == {"a": 5, "b": 120, "c": 80}
    assert fair_shares({"a": 5, "b": 6}, 100) == {"a": 5, "b": 6}


class OwnSplit(JetsDataModule):
    def split_entries(self, background, half):
        return Split(*(part.copy() for part in (torch.arange(60).numpy(), np.arange(60, 80), np.arange(80, 100))))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"targets": "scores.h5"}, "data.targets"),
        ({"folds": 2, "fold": 0}, "data.folds"),
        ({"build": OwnSplit}, "OwnSplit.split_entries, without a split_unit of its own,"),
    ],
)
def test_what_needs_all_entries_is_refused_with_the_memory_that_it_takes(source, settings, said):
    build = settings.pop("build", JetsDataModule)
    data = build(samples={"zb": source}, background="zb", bundled=False, batch_size=8, memory="400kB", **settings)
    with pytest.raises(UserError) as refused:
        data.setup()
    assert str(refused.value).startswith(f"{said} needs all entries in memory: ")
    assert "give it more with data.memory=" in str(refused.value)


def test_later_needs_are_refused_too(source):
    data = module(source, memory="400kB")
    with pytest.raises(UserError, match="the teacher RUN needs all entries in memory"):
        data.set_targets({}, "the teacher RUN")
    module(source).require_all("anything")


@pytest.mark.parametrize("memory", ["2 gallons", "-1GB", 0])
def test_what_is_no_memory_is_refused(source, memory):
    with pytest.raises(UserError, match=r"data\.memory=.*a number of bytes such as 2GB"):
        module(source, memory=memory)


def test_faults_of_files_are_those_of_files_in_memory(source, tmp_path):
    path = tmp_path / "holes.h5"
    path.write_bytes(Path(source).read_bytes())
    with h5py.File(path, "r+") as file:
        file["jet_event_data"][7:90:9, 0, 0] = np.nan
    said = []
    for memory in ("1GB", "400kB"):
        with pytest.raises(UserError) as refused:
            module(str(path), memory=memory)
        said.append(str(refused.value))
    assert said[0] == said[1]
    assert "hold NaN or inf" in said[0]


def test_another_file_is_tested_within_the_budget(source, write_jets):
    data = module(source, memory="400kB")
    other = write_jets("other", n_events=800, seed=3)
    found = data.read_tested("zb", other, None)
    whole = module(source).read_tested("zb", other, None)
    assert 100 < len(found) < len(whole)
    assert set(found.index) <= set(whole.index)
    assert found.index.min() < 20
    assert found.index.max() > 780
