"""A run on streamed entries: resumed bit by bit, written down, evaluated again; and what cannot be streamed."""

from collections import Counter

import pytest
import torch
from tests.conftest import write_jet_file

from hepad.config import RunConfig, compose
from hepad.core.errors import UserError
from hepad.run import building, train
from hepad.run.building import build_data, with_memory
from hepad.run.evaluation_data import evaluation_data
from hepad.run.provenance import check_same_data
from hepad.run.training import resume_run
from hepad.rundir.facts import read_provenance

MEMORY = "500kB"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A directory with a background and a run of three epochs on it, streamed."""
    directory = tmp_path_factory.mktemp("streamed_run")
    write_jet_file(directory / "zb.h5", n_events=500)
    train(config(directory, directory / "run"), directory / "run")
    return directory


def config(place, run_dir, *words, memory=MEMORY, model="dense_ae", epochs=3):
    return RunConfig.of(
        compose(
            "train",
            [
                f"model={model}", "data.bundled=false", "data.background=zb", f"+data.samples.zb={place / 'zb.h5'}",
                f"data.memory={memory}", "data.batch_size=16", f"trainer.max_epochs={epochs}", "logger=none",
                "callbacks.progress=null", "evaluation.plots=false", f"paths.run={run_dir}", *words,
            ],
        )
    )  # fmt: skip


def weights(run_dir):
    return torch.load(run_dir / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]


def test_provenance_says_what_is_streamed_and_how_many_train(place):
    facts = read_provenance(place / "run")
    in_memory = build_data(config(place, place / "x", memory="1GB"))
    assert facts["trained"] == len(in_memory.train_entries)
    assert facts["validated"] == len(in_memory.val_entries)
    assert facts["split_sha256"] == in_memory.split_hashes()
    assert facts["streamed"]["memory"] == 500_000
    assert facts["streamed"]["drawn"] < facts["trained"]


def test_a_run_that_was_stopped_ends_with_the_same_bits(place, tmp_path):
    run_dir = tmp_path / "run"
    train(config(place, run_dir, epochs=1), run_dir)
    resume_run(run_dir, {"trainer.max_epochs": 3})
    one, other = weights(place / "run"), weights(run_dir)
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
    for name in ("scores.h5", "metrics.json", "history.csv"):
        if name != "history.csv":
            assert (run_dir / name).read_bytes() == (place / "run" / name).read_bytes()


def test_free_memory_does_not_change_what_was_decided(place, monkeypatch):
    facts = read_provenance(place / "run")
    cfg = config(place, place / "x", memory="null")
    assert build_data(with_memory(cfg, facts)).streamed.facts == facts["streamed"]
    monkeypatch.setattr("hepad.data.streaming.budget.available_memory", lambda: 700_000)
    assert build_data(cfg).streamed is not None
    assert build_data(with_memory(cfg, {"streamed": None})).streamed is None
    assert with_memory(cfg, {}) is cfg
    with pytest.raises(UserError, match="streamed in other blocks, or not at all"):
        check_same_data(facts, build_data(cfg))


def test_an_evaluation_streams_as_the_run_did(place):
    facts = read_provenance(place / "run")
    cfg = config(place, place / "run")
    data, told = evaluation_data(cfg, cfg, facts)
    assert data.streamed.facts == facts["streamed"]
    assert told == {"zb": "the test part of the file that the run was trained on"}


def test_one_line_says_that_entries_are_streamed(place, capsys):
    build_data(config(place, place / "x"))
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("training entries are streamed from disk in blocks of ")
    assert "data.memory allows 0.5 MB; tested are " in line
    build_data(config(place, place / "x", memory="1GB"))
    assert not capsys.readouterr().out


@pytest.mark.parametrize("model", ["isolation_forest", "gmm"])
def test_a_model_that_is_fitted_at_once_is_refused(place, model, tmp_path):
    with pytest.raises(
        UserError, match=r"which is fitted to its training entries at once, needs all entries in memory"
    ):
        building.assemble(config(place, tmp_path, model=model), tmp_path)


def test_steps_are_taken_in_blocks_and_show_each_entry_once(place, tmp_path):
    parts = building.assemble(config(place, tmp_path, epochs=2), tmp_path)
    shown = []
    step = type(parts.model).training_step

    def counted(model, batch, batch_idx):
        shown.append(batch.x)
        return step(model, batch, batch_idx)

    parts.model.training_step = counted.__get__(parts.model)
    parts.trainer.fit(parts.model, datamodule=parts.data)
    assert parts.trainer.fit_loop.epoch_loop.reason == ""
    n = parts.data.n_trained // 16
    assert len(shown) == 2 * n
    for epoch in (shown[:n], shown[n:]):
        rows = Counter(row.numpy().tobytes() for row in torch.cat(epoch))
        assert max(rows.values()) == 1
        assert rows.total() == 16 * n


def test_streamed_entries_carry_what_scores_should_not_follow(place, tmp_path):
    cfg = config(place, tmp_path / "run", "decorrelate.variable=mass", epochs=1)
    data = build_data(cfg)
    assert data.streamed is not None
    for batch in data.train_dataloader():
        assert torch.equal(batch.protected, batch.x[:, data.feature_names.index("mass")])
    train(cfg, tmp_path / "run")
    columns = (tmp_path / "run" / "history.csv").read_text().splitlines()[0]
    assert "val/distance_correlation2" in columns


@pytest.mark.parametrize(
    "words",
    [
        ("decorrelate.variable=mass", "decorrelate.planing=true"),
        ("+data.samples.sig={place}/zb.h5", "data.contamination={{sample: sig, fraction: 0.1}}"),
    ],
    ids=["planing", "contamination"],
)
def test_what_weighs_or_mixes_all_entries_is_refused(place, words):
    cfg = config(place, place / "x", *(word.format(place=place) for word in words))
    with pytest.raises(UserError, match=r"(decorrelate\.planing|data\.contamination).* needs all entries in memory"):
        build_data(cfg)
