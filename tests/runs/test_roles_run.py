"""Runs on roles: trained, evaluated, scored, stopped and resumed, and wrong words refused."""

import json
import shutil

import h5py
import numpy as np
import pytest
import torch
import yaml

from hepad import evaluate, load_run, score, train
from hepad.run.training import resume_run
from tests.runs.conftest import call

QUICK = ["logger=none", "evaluation.plots=false"]
REGIONS = "data.regions={signal:{m_jj:[3300,3700]},sidebands:{m_jj:[[null,3300],[3700,null]]}}"
COLUMNS = ["dm", "tau1", "tau2", "m_jj"]


def write(path, n, seed, signal=0.0, truth=None, **more):
    """A table of three features and a mass, with a bump of signal at 3.5 TeV, and with the truth."""
    rng = np.random.default_rng(seed)
    x, mass, is_signal = rng.normal(size=(n, 3)), 2000 + rng.exponential(1500, n), rng.random(n) < signal
    x[is_signal] += 2
    mass[is_signal] = rng.normal(3500, 50, is_signal.sum())
    with h5py.File(path, "w") as file:
        file["table"] = np.c_[x, mass].astype(np.float32)
        file["table"].attrs["features"] = COLUMNS
        file["label"] = is_signal if truth is None else truth
        for name, values in more.items():
            file[name] = values
    return path


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A directory with two files and a run on the sidebands of the first."""
    directory = tmp_path_factory.mktemp("roles")
    write(directory / "a.h5", 1000, 1, 0.1)
    write(directory / "b.h5", 300, 2, 0.5)
    done = call(train.main, directory, *words(directory), "trainer.max_epochs=3", "hydra.run.dir=run")
    assert done.code == 0, done.err
    return directory


def words(directory):
    samples = [f"data.samples.{name}={directory / name}.h5" for name in "ab"]
    roles = ["data.train=[{sample:a,region:sidebands}]", REGIONS, "data.bundled=false"]
    return ["data=table", "model=dense_ae", *roles, *samples, *QUICK]


def same_results(one, other):
    assert (one / "metrics.json").read_bytes() == (other / "metrics.json").read_bytes()
    with h5py.File(one / "scores.h5") as a, h5py.File(other / "scores.h5") as b:
        assert a.keys() == b.keys()
        for name in a:
            np.testing.assert_array_equal(a[name]["score"], b[name]["score"])
            np.testing.assert_array_equal(a[name]["index"], b[name]["index"])


def test_it_is_trained_on_the_sidebands_and_tested_on_what_it_has_not_seen(place):
    facts = json.loads((place / "run/provenance.json").read_text())
    assert facts["background"] == "a"
    (role,) = facts["roles"]
    assert (role["sample"], role["region"], role["trained"]) == ("a", "sidebands", facts["trained"])
    assert facts["regions"]["signal"] == {"m_jj": [[3300, 3700]]}
    assert (facts["data"]["a"]["tested"], facts["data"]["b"]["tested"]) == (200, 300)
    metrics = json.loads((place / "run/metrics.json").read_text())
    assert metrics["test/auc/a_signal_vs_a"] > 0.6
    assert metrics["test/auc/b_signal_vs_a"] > 0.6
    with h5py.File(place / "run/scores.h5") as file, h5py.File(place / "a.h5") as data:
        assert sorted(file) == ["a", "a_signal", "b", "b_signal"]
        assert data["label"][:][np.sort(file["a_signal/index"][:])].all()
        assert file["a_signal"].attrs["file"] == "a.h5"
    assert "entries of a in sidebands (table)" in (place / "run/report.html").read_text(encoding="utf-8")


def test_the_same_command_and_a_run_that_was_resumed_give_the_same_bits(place, tmp_path):
    done = call(train.main, tmp_path, *words(place), "trainer.max_epochs=1", "hydra.run.dir=run")
    assert done.code == 0, done.err
    resume_run(tmp_path / "run", {"trainer.max_epochs": 3})
    same_results(place / "run", tmp_path / "run")


def test_a_run_goes_on_with_its_own_roles_alone(place, tmp_path):
    for old, new, said in (
        ("label: null", "label: 1", "the roles of the data are others than when the run began"),
        ("region: sidebands", "region: signal", "the split into training, validation and test is another"),
        ("- 3300", "- 3299.5", "the (regions of the data|split)"),
    ):
        shutil.copytree(place / "run", tmp_path / "run", ignore=shutil.ignore_patterns("evaluations"))
        config = yaml.safe_load((tmp_path / "run/config.yaml").read_text())
        config["data"]["train"] = [{"sample": "a", "region": "sidebands", "label": None}]
        text = yaml.safe_dump(config)
        assert old in text
        (tmp_path / "run/config.yaml").write_text(text.replace(old, new))
        with pytest.raises(ValueError, match=said):
            resume_run(tmp_path / "run", {"trainer.max_epochs": 5})
        shutil.rmtree(tmp_path / "run")


def test_other_truth_changes_no_bit_of_the_training(place, tmp_path):
    write(tmp_path / "a.h5", 1000, 1, 0.1, truth=np.random.default_rng(9).random(1000) < 0.5)
    write(tmp_path / "b.h5", 300, 2, 0.5)
    done = call(train.main, tmp_path, *words(tmp_path), "trainer.max_epochs=3", "hydra.run.dir=run")
    assert done.code == 0, done.err
    assert (tmp_path / "run/history.csv").read_bytes() == (place / "run/history.csv").read_bytes()
    one, other = (load_run(at / "run").model.state_dict() for at in (place, tmp_path))
    assert all(torch.equal(one[name], other[name]) for name in one)
    metrics = [json.loads((at / "run/metrics.json").read_text()) for at in (place, tmp_path)]
    assert metrics[0]["test/auc/a_signal_vs_a"] != metrics[1]["test/auc/a_signal_vs_a"]


def test_a_second_file_is_scored_and_evaluated(place, tmp_path):
    path = write(tmp_path / "c.h5", 200, 3, 0.3)
    done = call(score.main, tmp_path, f"run={place / 'run'}", f"input={path}", "output=scores.h5")
    assert done.code == 0, done.err
    with h5py.File(path) as file, h5py.File(tmp_path / "scores.h5") as scored:
        assert sorted(scored) == ["index", "score"]
        assert not scored.attrs["trained_on_input"]
        expected = load_run(place / "run").score(file["table"][:])
        np.testing.assert_array_equal(scored["score"], expected)
    done = call(score.main, tmp_path, f"run={place / 'run'}", f"input={place / 'a.h5'}", "output=known.h5")
    with h5py.File(tmp_path / "known.h5") as scored:
        assert scored.attrs["trained_on_input"]
    done = call(evaluate.main, tmp_path, f"run={place / 'run'}", "name=plain", *QUICK)
    assert done.code == 0, done.err
    same_results(place / "run", place / "run/evaluations/plain")
    copy = tmp_path / "copy.h5"
    copy.write_bytes((place / "a.h5").read_bytes())
    more = [f"data.samples.c={path}", f"data.samples.copy={copy}"]
    done = call(evaluate.main, tmp_path, f"run={place / 'run'}", "name=more", *more, *QUICK)
    assert done.code == 0, done.err
    with h5py.File(place / "run/evaluations/more/scores.h5") as file:
        assert sorted(file) == sorted(f"{name}{end}" for name in ("a", "b", "c", "copy") for end in ("", "_signal"))
        np.testing.assert_array_equal(file["copy/index"], file["a/index"])
        assert len(file["c/index"]) + len(file["c_signal/index"]) == 200
    told = json.loads((place / "run/evaluations/more/provenance.json").read_text())["tested_on"]
    assert told["copy"] == told["a"] == "the test part of the file that the run was trained on"
    other = [f"data.samples.a={path}"]
    done = call(evaluate.main, tmp_path, f"run={place / 'run'}", "name=other", *other, *QUICK)
    assert done.code == 0, done.err
    with h5py.File(place / "run/evaluations/other/scores.h5") as file:
        assert len(file["a/index"]) + len(file["a_signal/index"]) == 200


def test_roles_of_bundled_samples_train_events_together(tmp_path):
    more = ["data.limit=600", "trainer.max_epochs=1", "hydra.run.dir=run", *QUICK]
    roles = "data.train=[{sample:zero_bias},{sample:jet_ht}]"
    done = call(train.main, tmp_path, "data=events", "model=td_ae", roles, *more)
    assert done.code == 0, done.err
    facts = json.loads((tmp_path / "run/provenance.json").read_text())
    assert facts["trained"] == 720
    assert [facts["data"][name]["tested"] for name in ("zero_bias", "jet_ht", "ttbar")] == [120, 120, 600]
    assert set(facts["split_sha256"]) == {
        f"{part}/{name}" for part in ("train", "val", "test") for name in ("zero_bias", "jet_ht")
    }
    done = call(evaluate.main, tmp_path, "run=run", "name=again", *QUICK)
    assert done.code == 0, done.err
    same_results(tmp_path / "run", tmp_path / "run/evaluations/again")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["data.train=null", "model.teacher=RUN", "data.background=a"], "was trained on roles (data.train); a teacher"),
        ([], "a student learns from a teacher of one background, and has no roles; leave data.train out"),
    ],
)
def test_a_run_on_roles_is_no_teacher_and_a_student_has_no_roles(place, tmp_path, more, said):
    more = [word.replace("RUN", str(place / "run")) for word in more]
    done = call(train.main, tmp_path, *words(place), "model=distilled", *more, "hydra.run.dir=student")
    assert (done.code, done.err.count("\n")) == (2, 1), done.err
    assert said in done.err
    assert not (tmp_path / "student").exists()


def test_a_fold_of_a_run_is_tested_and_written_down(place, tmp_path):
    more = ["data.folds=4", "data.fold=1", "trainer.max_epochs=1", "hydra.run.dir=run"]
    done = call(train.main, tmp_path, *words(place), *more)
    assert done.code == 0, done.err
    facts = json.loads((tmp_path / "run/provenance.json").read_text())
    assert facts["folds"] == {"folds": 4, "fold": 1}
    assert facts["data"]["a"]["tested"] == 250


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["data.train=[{sample:a,region:sr}]"], "data.train[0].region=sr is not a region; allowed: sidebands, signal"),
        (["data.train=[{sample:c}]"], "data.train[0].sample=c is not a sample; allowed: a, b"),
        (["data.train=[{sample:a},{sample:a}]"], "the roles a and a share entries"),
        (["data.train=[{sample:a,weight:-1}]"], "data.train[0].weight=-1: a positive number is needed"),
        (["data.train=[{sample:a,weight:.inf}]"], "data.train[0].weight=.inf: a positive number is needed"),
        (["data.train=[{region:signal}]"], "data.train[0]={'region': 'signal'}: a mapping such as {sample: zero_bias,"),
        (
            ["data.train=[{sample:a,wait:1}]"],
            "data.train[0].wait=1: no such key; allowed: sample, region, label, weight",
        ),
        (["data.regions={sidebands:{m_jj:[5,3]}}"], "data.regions.sidebands.m_jj=[5, 3] is empty: its low end"),
        (["data.regions={sidebands:{m_jj:[[0,3],[2,4]]}}"], "data.regions.sidebands.m_jj: [0, 3] and [2, 4] overlap"),
        (["data.regions={sidebands:{m_jj:[9e9,null]}}"], "region sidebands is empty: none of 1000 entries of a lies"),
        (["data.regions={sidebands:{m_xx:[0,1]}}"], "has no observable m_xx; it has: dm, m_jj, tau1, tau2"),
        (["data.folds=5", "data.fold=5"], "data.fold=5 is out of range; data.folds=5 has the folds 0 to 4"),
        (["data.folds=101", "data.fold=0"], "data.folds=101: folds of 9 of 1000 entries are too small"),
        (["data.background=c"], "data.background=c is not a sample; allowed: a, b"),
        (["data.context=[m_jj]"], "model DenseAutoencoder takes no context; leave data.context=[m_jj] out"),
    ],
)
def test_a_wrong_word_is_one_line(place, tmp_path, more, said):
    done = call(train.main, tmp_path, *words(place), *more, "hydra.run.dir=run")
    assert (done.code, done.err.count("\n")) == (2, 1), done.err
    assert said in done.err
    assert not (tmp_path / "run").exists()
