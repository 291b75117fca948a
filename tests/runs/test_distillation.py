"""`python -m hepad.train model=distilled` from end to end: teachers, splits, what is refused."""

import json
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
import yaml

import hepad
from hepad import train
from hepad.data import EventsDataModule
from tests.conftest import write_jet_file
from tests.runs.conftest import call, two_samples

QUICK = ["logger=none", "trainer.max_epochs=2", "data.batch_size=64"]
UNDRAWN = ["evaluation.plots=false"]
TEACHER = ["model=vae", "data=events", "model.score=reconstruction"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A directory with two samples, a teacher, a student of it, and a student that trained its own."""
    directory = tmp_path_factory.mktemp("distillation")
    words = [*two_samples(directory), *QUICK]
    for run in (
        [*TEACHER, "data.half=first", "hydra.run.dir=teacher"],
        ["model=distilled", "model.teacher=teacher", "hydra.run.dir=student"],
        ["model=distilled", "model.teacher_overrides={model:vae,model.score:mu2}", "hydra.run.dir=both"],
        ["model=vae", "data=events", "hydra.run.dir=whole", *UNDRAWN],
    ):
        done = call(train.main, directory, *words, *run)
        assert done.code == 0, done.err
    return directory


def read(path: Path):
    return json.loads(path.read_text())


def test_no_entry_serves_twice(place):
    own = {name: str(place / f"{name}.h5") for name in ("background", "signal")}
    parts = {}
    for part, half in (("teacher", "first"), ("student", "second")):
        data = EventsDataModule(samples=own, background="background", bundled=False, half=half)
        data.setup()
        assert data.split_hashes() == read(place / part / "provenance.json")["split_sha256"]
        parts[part] = data.train_entries.index
    parts |= {"val": data.val_entries.index, "test": data.test_entries["background"].index}
    assert sorted(np.concatenate(list(parts.values()))) == list(range(400))
    assert len(parts["teacher"]) == len(parts["student"]) == 120


@pytest.mark.parametrize("run", ["student", "both"])
def test_the_run_says_who_the_teacher_was_and_how_the_student_compares(place, run):
    teacher = place / ("teacher" if run == "student" else "both/teacher")
    facts, metrics = read(place / run / "provenance.json"), read(place / run / "metrics.json")
    assert facts["teacher"]["run"] == str(teacher)
    assert facts["teacher"]["split_sha256"]["train"] != facts["split_sha256"]["train"]
    assert metrics["test/teacher_auc/signal_vs_background"] == pytest.approx(
        # Only the lowest thousandth of the scores is made equal by the floor of the logarithm.
        read(teacher / "metrics.json")["test/auc/signal_vs_background"],
        abs=2e-3,
    )
    assert -1 <= metrics["test/student/spearman/background"] <= 1
    assert {"test/student/top_decile_bias", "test/student/top_decile_width"} <= set(metrics)
    drawn = {path.stem for path in (place / run / "plots").iterdir()}
    assert drawn >= {"student_vs_teacher", "student_error", "student_bias_by_decile", "student_roc_vs_background"}
    page = (place / run / "report.html").read_text()
    for told in ("Student and teacher", "AUC of the teacher", "Bias in the top decile", f"The teacher is {teacher}"):
        assert told in page
    assert "model vae, loss mse, with the score s. The target that the student learns is ln s." in page


def test_the_teacher_trained_on_the_way_is_a_run_of_its_own(place):
    config = yaml.safe_load((place / "both/teacher/config.yaml").read_text())
    assert config["model"]["score"] == "mu2"
    assert config["data"]["half"] == "first"
    assert config["trainer"]["max_epochs"] == 2
    assert read(place / "both/teacher/provenance.json")["status"] == "finished"
    assert yaml.safe_load((place / "both/config.yaml").read_text())["data"]["half"] == "second"


def test_the_report_of_a_variational_teacher_holds_samples_of_its_prior(place):
    assert (place / "teacher/plots/generated_entries.png").is_file()
    assert "Samples of the prior" in (place / "teacher/report.html").read_text()


def test_a_student_scores_alone(place, tmp_path):
    shutil.copytree(place / "student", tmp_path / "moved")
    run = hepad.load_run(tmp_path / "moved")
    checkpoint = torch.load(tmp_path / "moved/checkpoints/best.ckpt", weights_only=True)
    assert "teacher" not in checkpoint["hyper_parameters"]
    with h5py.File(place / "signal.h5") as source, h5py.File(place / "student/scores.h5") as scores:
        events = source["jet_event_data"][:][scores["signal/index"][:]]
        np.testing.assert_allclose(run.score(events), scores["signal/score"][:], rtol=1e-5, atol=1e-5)
    order = np.random.default_rng(0).permuted(np.tile(np.arange(8), (len(events), 1)), axis=1)
    shuffled = np.take_along_axis(events, order[..., None], axis=1)
    np.testing.assert_allclose(run.score(shuffled), run.score(events), rtol=1e-5, atol=1e-5)


def test_the_target_is_the_logarithm_of_the_teachers_score(place):
    teacher = hepad.load_run(place / "teacher")
    with h5py.File(place / "signal.h5") as source:
        true = np.log(np.maximum(teacher.score(source["jet_event_data"][:]), 1e-3))
    with h5py.File(place / "student/scores.h5") as scores:
        student = scores["signal/score"][:]
    # Two epochs teach little, but the units are those of the target from the start.
    assert abs(np.median(student) - np.median(true)) < 3 * true.std()


@pytest.mark.parametrize("words", [["model.weighting=flat"], ["model.weighting=none", "model.target=score"]])
def test_other_targets_and_weightings(place, words, tmp_path):
    done = call(
        train.main, place, *two_samples(place), *QUICK, *UNDRAWN, "model=distilled", "model.teacher=teacher", *words,
        f"hydra.run.dir={tmp_path / 'run'}",
    )  # fmt: skip
    assert done.code == 0, done.err


@pytest.fixture
def refused(place):
    """Return a caller that checks that a student is refused in one line, and that nothing is left behind."""
    words = [*two_samples(place), *QUICK]

    def call_student(*more: str) -> str:
        done = call(train.main, place, *words, "model=distilled", "hydra.run.dir=refused", *more)
        assert done.code == 2, done.err
        assert done.err.startswith("error: ")
        assert done.err.count("\n") == 1, done.err
        assert not (place / "refused").exists()
        return done.err

    return call_student


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["model.teacher=teacher", "data=jets"], "scores events, not jets; choose data=events"),
        (["model.teacher=teacher", "data.features=[pt,eta]"], "here they are (8, 2)"),
        (["model.teacher=whole"], "train it with data.half=first"),
        (["model.teacher=student"], "a student cannot be a teacher"),
        (["model.teacher=teacher", "data.limit=300"], "otherwise the same data"),
        (["model.teacher=nowhere"], "nowhere is not a run"),
        (["model.teacher=teacher", "data.half=first"], "leave data.half out"),
        (["model.teacher=teacher", "data.train_on=teacher"], "leave data.half out"),
        (["model.teacher=teacher", "data.targets=student/targets.h5"], "leave one of them out"),
        (["model.teacher=teacher", "model.target=logits"], "allowed: score, log_score, cicada"),
        (["model.teacher=teacher", "model.weighting=some"], "allowed: none, rare, flat"),
        (["model.network=conv"], "allowed: auto, deepsets, dense"),
        (["data.half=third"], "data.half=third"),
        (["data.train_on=half"], "data.train_on is called data.half now; write null for all, first for teacher"),
        (["model.teacher=teacher", "model.teacher_overrides={model:vae}"], "trained already"),
        (["model.teacher_overrides={modle:vae}"], "did you mean 'model'"),
        (["model.teacher_overrides={model:conv_ae}"], "not the sets of data=events"),
        (["model.teacher_overrides={model:vae,model.latent:0}"], "latent=0"),
        (["model.teacher_overrides={data.limit:100}"], "the teacher's data are the student's"),
        (["model.teacher_overrides={model:distilled}"], "model.teacher_overrides: a student cannot be a teacher"),
        (
            ["model.teacher_overrides={model:gan,model.score:discriminator}"],
            "GAN may be negative, and model.target=log_score takes",
        ),
        (["model.target=cicada"], "add model.teacher_overrides={model.normalizer:none}"),
        (["model.teacher_overrides=vae"], "such as {model: vae"),
    ],
)
def test_a_student_that_cannot_be_taught(refused, words, said):
    assert said in refused(*words)


def test_a_teacher_whose_scores_leave_nothing_to_learn(refused, monkeypatch):
    monkeypatch.setattr("hepad.pipeline.teachers._scores", lambda _, entries: torch.linspace(0.1, 0.9, len(entries)))
    assert "model.normalizer=none" in refused("model.teacher=teacher", "model.target=cicada")
    monkeypatch.setattr("hepad.pipeline.teachers._scores", lambda _, entries: -torch.ones(len(entries)))
    assert "allowed here: score" in refused("model.teacher=teacher")


@pytest.fixture
def clipped(monkeypatch):
    """Return a function that makes a share of all scores of teachers too low for the target `cicada`."""

    def clip(share: float) -> None:
        def scores(_, entries):
            found = torch.linspace(1.1, 50.0, len(entries))
            found[: int(share * len(entries))] = 0.1
            return found

        monkeypatch.setattr("hepad.pipeline.teachers._scores", scores)

    return clip


def test_targets_that_are_mostly_clipped_are_refused(refused, clipped):
    clipped(0.6)
    assert "60% of the training entries have a target clipped" in refused(
        "model.teacher=teacher", "model.target=cicada"
    )


@pytest.mark.parametrize(("share", "remarks"), [(0.2, 1), (0.01, 0)])
def test_targets_that_are_partly_clipped_are_remarked_on(place, clipped, tmp_path, share, remarks):
    clipped(share)
    words = [*two_samples(place), *QUICK, *UNDRAWN, "model=distilled", "model.teacher=teacher", "model.target=cicada"]
    done = call(train.main, place, *words, f"hydra.run.dir={tmp_path / 'run'}")
    assert done.code == 0, done.err
    assert done.err.count("20% of the training entries have a target clipped") == remarks
    assert (tmp_path / "run/report.html").read_text().count("target clipped to the ends of [0, 256)") == remarks


def test_a_teacher_whose_past_is_unknown(refused, place):
    shutil.copytree(place / "teacher", place / "forgetful", dirs_exist_ok=True)
    (place / "forgetful/provenance.json").write_text("{}")
    assert "does not say which entries" in refused("model.teacher=forgetful")


def test_a_teacher_trained_on_what_is_tested_here(refused, place):
    swapped = [*two_samples(place), *QUICK, *UNDRAWN, "data.background=signal", "data.half=first", *TEACHER]
    assert call(train.main, place, *swapped, "hydra.run.dir=swapped").code == 0
    assert "entries of signal" in refused("model.teacher=swapped")


def rewritten(source: Path, copy: Path, change=lambda x: x) -> Path:
    """Write the entries of a file once more, as another program would."""
    with h5py.File(source) as old, h5py.File(copy, "w") as new:
        values = old["jet_event_data"][:]
        made = new.create_dataset("jet_event_data", data=change(values), compression="gzip")
        made.attrs["features"] = old["jet_event_data"].attrs["features"]
        new.attrs["copied"] = "yes"
    return copy


@pytest.mark.parametrize(
    "change",
    [lambda x: x, lambda x: x[::-1], lambda x: x[:300], lambda x: x.astype("f8")],
    ids=["compressed", "in another order", "some of it", "in double precision"],
)
@pytest.mark.parametrize("trained_on", ["whole", "teacher"])
def test_entries_are_known_in_a_copy_of_their_file(refused, place, change, trained_on):
    copy = rewritten(place / "background.h5", place / "copy.h5", change=change)
    here = [f"data.samples.background={place / 'signal.h5'}", f"data.samples.signal={copy}"]
    assert "entries of signal" in refused(f"model.teacher={trained_on}", *here)


def test_the_teachers_half_of_a_copy_is_still_the_teachers_half(place, tmp_path):
    copy = rewritten(place / "background.h5", tmp_path / "copy.h5")
    words = [*two_samples(place), *QUICK, *UNDRAWN, "model=distilled", f"data.samples.background={copy}"]
    run = f"hydra.run.dir={tmp_path / 'run'}"
    assert call(train.main, place, *words, "model.teacher=whole", run).code == 2
    assert call(train.main, place, *words, "model.teacher=teacher", run).code == 0


def test_a_teacher_of_other_files_may_teach(place, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    words = [*two_samples(other), *QUICK, *UNDRAWN]
    write_jet_file(other / "background.h5", mean_pt=10.0, seed=7)
    assert call(train.main, other, *words, *TEACHER, "hydra.run.dir=teacher").code == 0
    student = ["model=distilled", f"model.teacher={other / 'teacher'}", f"hydra.run.dir={tmp_path / 'run'}"]
    assert call(train.main, place, *two_samples(place), *QUICK, *UNDRAWN, *student).code == 0


def test_a_teacher_of_other_files_than_those_gone_on_with_is_refused(place, tmp_path):
    """The same entries in another order: the teacher's half is then in what the student trains and is tested on."""
    shutil.copytree(place / "both", tmp_path / "both")
    for path in (tmp_path / "both/config.yaml", tmp_path / "both/teacher/config.yaml"):
        path.write_text(path.read_text().replace(str(place / "both"), str(tmp_path / "both")))
    for name in ("metrics.json", "provenance.json", "scores.h5", "targets.h5"):
        (tmp_path / "both" / name).unlink()
    shutil.rmtree(tmp_path / "both/checkpoints")
    shutil.copy(place / "background.h5", tmp_path / "turned.h5")
    with h5py.File(tmp_path / "turned.h5", "r+") as file:
        file["jet_event_data"][:] = file["jet_event_data"][:][::-1]
    done = call(train.main, tmp_path, "resume=both", "data.samples.background=turned.h5")
    assert done.code != 0
    assert "was trained on entries of background that the student would train or be tested on" in done.err
    assert not (tmp_path / "both/targets.h5").exists()
    assert call(train.main, tmp_path, "resume=both", f"data.samples.background={place}/background.h5").code == 0
