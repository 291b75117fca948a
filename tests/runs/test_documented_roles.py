"""Every command of docs/roles.md, run as it stands there; the model of its own is trained, scored and loaded back."""

import json
import re
import shlex
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from hepad import evaluate, generate, load_run, score, train
from tests.runs.conftest import call

PAGE = (Path(__file__).parents[2] / "docs/roles.md").read_text(encoding="utf-8")
QUICK = ["logger=none", "evaluation.plots=false", "trainer.max_epochs=1", "hydra.run.dir=run"]
COLUMNS = ["dm", "tau1", "tau2", "m_jj"]


def blocks(section):
    """The indented blocks of a section of the page, or of what stands before the first."""
    text = PAGE.split("\n## ")[0] if section is None else PAGE[PAGE.index(f"\n## {section}\n") + 1 :].split("\n## ")[0]
    found = re.findall(r"(?:^    .*\n(?:\n+(?=    ))?)+", text, flags=re.MULTILINE)
    return ["\n".join(line[4:] for line in block.splitlines()) for block in found]


def words(block):
    """The words of a command as a shell gives them."""
    return shlex.split(block.replace("\\\n", " "))


def rows(n, seed):
    rng = np.random.default_rng(seed)
    return np.c_[rng.normal(size=(n, 3)), rng.uniform(2000, 5000, n)].astype(np.float32)


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (block,) = blocks(None)
    exec(block, {"array": rows(400, 1), "is_signal": np.random.default_rng(2).integers(0, 2, 400)})
    return tmp_path


def trained(place, block):
    python, flag, module, *given = words(block)
    assert (python, flag, module) == ("python", "-m", "hepad.train")
    done = call(train.main, place, *given, *QUICK)
    assert done.code == 0, done.err
    return json.loads((place / "run/provenance.json").read_text())


def test_a_run_on_the_sidebands(place):
    command, cwola = blocks("Roles")
    facts = trained(place, command)
    assert facts["roles"][0]["region"] == "sidebands"
    assert sorted(facts["regions"]) == ["sidebands", "signal"]
    # The same command with other roles: the regions of a command line add up.
    more = ["data.regions.low.m_jj=[3000,3300]", "data.regions.high={m_jj:[3700,4000]}", "hydra.run.dir=cwola"]
    _, _, _, *given = words(command)
    given = [word for word in given if not word.startswith("data.train")]
    done = call(train.main, place, *given, *words(cwola), *more, *QUICK[:-1])
    assert done.code == 0, done.err
    facts = json.loads((place / "cwola/provenance.json").read_text())
    assert [(role["region"], role["label"], role["weight"]) for role in facts["roles"]] == [
        ("signal", 1, None),
        ("low", 0, 0.5),
        ("high", 0, 0.5),
    ]
    assert set(facts["split_sha256"]) == {
        *(f"{part}/data/{region}" for part in ("train", "val") for region in ("signal", "low", "high")),
        "test/data",
    }


def test_a_truth_and_a_fold(place):
    for section in ("Truth", "Folds"):
        (command,) = blocks(section)
        facts = trained(place, command)
        assert facts["data"]["data"]["tested"] == 80
        with h5py.File(place / "run/scores.h5") as file:
            assert sorted(file) == ["data", "data_signal"]
        (place / "run").rename(place / section)
    assert facts["folds"] == {"folds": 5, "fold": 0}


def test_a_model_is_conditioned_on_the_context_from_training_to_scoring(place, monkeypatch):
    model, command = blocks("Context")
    sampled = "\n\n    def sample(self, n, generator):\n        raise AssertionError\n"
    (place / "mine.py").write_text(model + sampled)
    (place / "configs/model").mkdir(parents=True)
    (place / "configs/model/conditioned.yaml").write_text("_target_: mine.Conditioned\n")
    monkeypatch.syspath_prepend(str(place))
    monkeypatch.setenv("HEPAD_TRUST", "mine.Conditioned")
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    facts = trained(place, command)
    assert facts["context"] == ["m_jj"]
    run = load_run(place / "run")
    assert (run.features, run.context_names) == (("dm", "tau1", "tau2"), ("m_jj",))
    table = rows(9000, 3)
    with h5py.File(place / "new.h5", "w") as file:
        file["table"] = table
        file["table"].attrs["features"] = COLUMNS
        # What is scored needs no truth, and a wrong one does no harm.
        file["label"] = np.arange(9000)
    done = call(score.main, place, "run=run", "input=new.h5", "output=scores.h5")
    assert done.code == 0, done.err
    expected = run.score(table[:, :3], context=table[:, 3])
    with h5py.File(place / "scores.h5") as file:
        np.testing.assert_array_equal(file["score"], expected)
    np.testing.assert_array_equal(run.score(table, features=COLUMNS), expected)
    assert not np.array_equal(run.score(table[:, :3], context=table[:, 3] + 100), expected)
    for wrong, said in (
        ({}, r"conditioned on m_jj; give context=\(N, 1\), or entries whose columns have these names"),
        ({"context": table[:5, 3]}, r"a context of shape \(5, 1\) for 9000 entries; \(9000, 1\) is needed"),
        ({"context": np.full(9000, np.nan)}, "the context of 9000 of 9000 entries holds NaN or inf"),
    ):
        with pytest.raises(ValueError, match=said):
            run.score(table[:, :3], **wrong)
    done = call(evaluate.main, place, "run=run", "name=again", *QUICK[:2])
    assert done.code == 0, done.err
    assert (place / "run/evaluations/again/metrics.json").read_bytes() == (place / "run/metrics.json").read_bytes()
    with h5py.File(place / "none.h5", "w") as file:
        file["table"] = table[:50, :3]
        file["table"].attrs["features"] = COLUMNS[:3]
    done = call(score.main, place, "run=run", "input=none.h5", "output=other.h5")
    assert (done.code, done.err.count("\n")) == (2, 1), done.err
    assert "none.h5 has no observable m_jj; it has: nothing" in done.err
    assert not (place / "other.h5").exists()
    done = call(generate.main, place, "run=run", "output=made.h5", "n=10")
    assert (done.code, done.err.count("\n")) == (2, 1), done.err
    assert "run is conditioned on m_jj; context=FILE gives them, one row for each entry" in done.err
    monkeypatch.delitem(sys.modules, "mine")
