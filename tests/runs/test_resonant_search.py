"""Resonant searches end to end: what is found, that truth changes nothing, and going on after a kill."""

import json
import shutil
import signal
from importlib.util import find_spec
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from hepad import generate, load_run, search
from hepad.searches.record_file import read_record
from tests.runs.conftest import Finished, call
from tests.runs.killing import start
from tests.searching import QUICK, TREES, falling, injected_words, write_rows

BLIND = ["null_twin=none", "toys=100"]


def run(directory: Path, *words: str) -> Finished:
    return call(search.main, directory, *words)


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> tuple[Path, list[str]]:
    """A directory with a finished search by two methods, `found`, and the words of it."""
    directory = tmp_path_factory.mktemp("searches")
    words = [*injected_words(directory), *QUICK, f"methods.cwola.classifier={TREES}", "toys=100", "name=found"]
    done = run(directory, "method=cathode,cwola", "unblind=true", *words)
    assert done.code == 0, done.err
    assert "[1/" in done.out
    assert "s left" in done.out
    return directory, words


@pytest.fixture
def no_page(monkeypatch) -> None:
    """Draw no page, where nobody looks at it."""
    monkeypatch.setattr("hepad.searches.running.write_search_page", lambda *_: None)


def words_of_cathode(words: list[str]) -> list[str]:
    """Return the words that say nothing of a name or of another method."""
    return [word for word in words if not word.startswith(("name=", "methods.cwola"))]


def trained(directory: Path) -> dict[str, int]:
    """Return when each checkpoint of a search was written."""
    return {path.parts[-3]: path.stat().st_mtime_ns for path in directory.glob("stages/*/checkpoints/best.ckpt")}


def test_the_signal_is_found_and_the_null_twin_has_none(place):
    record = read_record(place[0] / "searches/found")
    assert [method.method for method in record.methods] == ["cathode", "cwola"]
    assert record.null_kind == "background"
    for method in record.methods:
        (window,) = method.windows
        tight = window.cuts[-1]
        assert tight.signal > 20
        assert tight.z > 2.5
        assert method.toys == 100
        assert tight.limits["observed"] > tight.limits["median"]
        assert method.null is not None
        assert method.null.windows[0].cuts[-1].z < tight.z
        assert window.performance.max_sic > 1.5
        assert method.null.windows[0].performance is None
        assert window.seconds > 0
    closure = record.methods[0].windows[0].closure
    assert closure.against == "extra background"
    assert 0.4 < closure.auc < 0.7
    assert (place[0] / "searches/found/search.html").is_file()


def test_what_was_found_are_the_entries_beyond_the_cut_by_rank(place):
    record = read_record(place[0] / "searches/found")
    window = record.methods[0].windows[0]
    found = window.found
    assert len(found["row"]) == window.cuts[-1].observed
    assert np.all(np.diff(found["score"]) <= 0)
    with h5py.File(next((place[0] / "searches/found").glob("samples-*/data.h5"))) as file:
        rows = file["table"][:][np.asarray(found["row"], dtype=int)]
    np.testing.assert_allclose(rows[:, 0], found["a"], rtol=1e-6)
    np.testing.assert_allclose(rows[:, 3], found["m_jj"], rtol=1e-6)
    assert np.all((rows[:, 3] >= 3300) & (rows[:, 3] < 3700))
    assert len(window.template_features["a"]) > 10


def test_every_entry_is_scored_by_a_fold_that_tested_it(place):
    directory = place[0] / "searches/found"
    with h5py.File(next(directory.glob("stages/w0-cathode-scores-*.h5"))) as file:
        rows, folds = file["data/row"][:], file["data/fold"][:]
    assert sorted(rows) == list(range(3120))
    for fold in range(2):
        with h5py.File(next(directory.glob(f"stages/w0-cathode-fold{fold}-*/scores.h5"))) as file:
            np.testing.assert_array_equal(np.sort(rows[folds == fold]), np.sort(file["data/index"][:]))


def test_the_density_of_a_search_generates_entries_at_given_masses(place, tmp_path):
    directory = place[0] / "searches/found"
    density = next(directory.glob("stages/w0-density0-*"))
    given = next(directory.glob("samples-*/data.h5"))
    done = call(generate.main, tmp_path, f"run={density}", f"context={given}", "output=made.h5", "seed=3")
    assert done.code == 0, done.err
    with h5py.File(tmp_path / "made.h5") as file, h5py.File(given) as data:
        assert file["table"].shape == (3120, 3)
        np.testing.assert_array_equal(file["m_jj"][:], data["table"][:, 3])
        generator = torch.Generator().manual_seed(3)
        made = load_run(density).model.sample(torch.from_numpy(data["table"][:, 3:]), generator)
        np.testing.assert_array_equal(file["table"][:], made.x.numpy())
    for words, said in (([], "context=FILE gives them"), ([f"context={given}", "n=7"], "n=7: ")):
        done = call(generate.main, tmp_path, f"run={density}", "output=other.h5", *words)
        assert (done.code, done.err.count("\n")) == (2, 1), done.err
        assert said in done.err


def test_a_blind_search_is_the_same_search_and_trains_nothing_anew(place, no_page):
    directory, words = place
    shutil.copytree(directory / "searches/found", directory / "searches/blind")
    before = trained(directory / "searches/blind")
    done = run(directory, "method=cathode,cwola", *words[:-1], "name=blind")
    assert done.code == 0, done.err
    assert trained(directory / "searches/blind") == before
    blind, open_ = (read_record(directory / "searches" / name) for name in ("blind", "found"))
    assert open_.unblinded
    assert not blind.unblinded
    for one, other in zip(blind.methods, open_.methods, strict=True):
        assert one.windows[0].performance is None
        assert [cut.signal for cut in one.windows[0].cuts] == [None, None]
        assert [cut.z for cut in one.windows[0].cuts] == [cut.z for cut in other.windows[0].cuts]
        assert one.p_global == other.p_global


def test_a_finished_search_has_nothing_left_but_its_page_and_other_cuts_train_nothing(place, no_page):
    directory, words = place
    before = trained(directory / "searches/found")
    record = (directory / "searches/found/search.json").read_text()
    done = run(directory, "method=cathode,cwola", "unblind=true", *words)
    assert done.code == 0, done.err
    assert done.out.count("s left") == 1
    assert (directory / "searches/found/search.json").read_text() == record
    done = run(directory, "resume=searches/found")
    assert done.code == 0, done.err
    assert (directory / "searches/found/search.json").read_text() == record
    shutil.copytree(directory / "searches/found", directory / "searches/cuts")
    done = run(directory, "method=cathode", *words_of_cathode(words), "cuts=[0.2]", "name=cuts")
    assert done.code == 0, done.err
    assert trained(directory / "searches/cuts").items() <= before.items()


def same(one: Path, other: Path) -> bool:
    """Return whether two searches found the same, to the last bit; their seconds aside."""
    records = [json.loads((directory / "search.json").read_text()) for directory in (one, other)]
    for record in records:
        for method in record["methods"]:
            for window in method["windows"]:
                window["seconds"] = 0
    scores = [
        {path.name: path.read_bytes() for path in directory.glob("stages/*-scores-*.h5")} for directory in (one, other)
    ]
    return records[0] == records[1] and scores[0] == scores[1] != {}


@pytest.mark.parametrize(
    "moment", [pytest.param(("best.ckpt", 1), marks=pytest.mark.thorough), ("search.json", 0)], ids=str
)
def test_a_search_that_was_killed_goes_on_to_the_same_bits(place, no_page, moment):
    directory, words = place
    given = ["method=cathode", *words_of_cathode(words), *BLIND, "cuts=[0.1]"]
    if not (directory / "searches/whole").exists():
        done = run(directory, *given, "name=whole")
        assert done.code == 0, done.err
    process = start(directory, [*given, f"name=killed_{moment[0]}"], moment, main=search.main)
    process.join()
    assert process.exitcode == -signal.SIGKILL, (directory / "log.txt").read_text()
    killed = directory / f"searches/killed_{moment[0]}"
    assert not (killed / "search.json").exists()
    done = run(directory, *given, f"name=killed_{moment[0]}")
    assert done.code == 0, done.err
    assert same(killed, directory / "searches/whole")
    assert not [path for path in killed.rglob(".*") if path.suffix == ".tmp"]


def test_a_stage_that_fails_is_named_with_the_command_that_goes_on(place, no_page, monkeypatch):
    directory, words = place
    given = ["method=cathode", *words_of_cathode(words), *BLIND, "cuts=[0.1]", "seed=7", "name=failing"]

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("hepad.searches.method_stages.make_template", full)
        done = run(directory, *given)
    assert done.code == 1
    assert "stage w0-template0-" in done.err
    assert f"-m hepad.search resume={directory / 'searches/failing'}" in done.err
    before = trained(directory / "searches/failing")
    done = run(directory, "resume=searches/failing")
    assert done.code == 0, done.err
    assert before.items() < trained(directory / "searches/failing").items()


def test_own_data_are_searched_in_several_windows(tmp_path, no_page):
    path = write_rows(tmp_path / "mine.h5", falling(3000, 5), event=np.arange(3000))
    words = ["data.samples.data=mine.h5", "data.context=[m_jj]", "scan.windows=2", "scan.width=500", *BLIND]
    more = ["folds=2", "cuts=[1.0,0.2]", "logger=none", f"methods.cwola.classifier={TREES}"]
    done = run(tmp_path, "method=cwola", *words, *more)
    assert done.code == 0, done.err
    (directory,) = (tmp_path / "searches").iterdir()
    assert directory.name.startswith("cwola_")
    record = read_record(directory)
    assert [window.window for window in record.methods[0].windows] == ["w0", "w1"]
    assert record.samples["data"]["file"] == path.name
    assert record.methods[0].windows[0].closure is None
    assert record.methods[0].windows[0].performance is None
    assert max(record.methods[0].windows[1].found["event"]) < 3000


@pytest.mark.thorough
def test_every_other_method_scores_every_entry_that_it_judges(tmp_path, no_page):
    flow = "[model=flow,model.kind=realnvp,model.transforms=1,model.hidden=[8],trainer.max_epochs=1,data.batch_size=64]"
    words = [f"methods.{method}.{part}={flow}" for method, part in (("anode", "density"), ("lacathode", "density"))]
    words += [f"methods.{method}.classifier={TREES}" for method in ("supervised", "idealized", "lacathode")]
    words += [f"methods.anode.classifier={flow}", "methods.score.classifier=[model=gmm]", "logger=none", *BLIND[:1]]
    methods = ["supervised", "idealized", "lacathode", "anode", "score"]
    given = [*injected_words(tmp_path, n=3000, events=60), "folds=2", "toys=0", "cuts=[0.2]", "name=others"]
    done = run(tmp_path, f"method={','.join(methods)}", "unblind=true", *given, *words)
    assert done.code == 0, done.err
    record = read_record(tmp_path / "searches/others")
    assert [method.method for method in record.methods] == methods
    for method in record.methods:
        (window,) = method.windows
        assert window.cuts[0].observed > 10
        assert window.performance.max_sic > 0.9
        with h5py.File(next((tmp_path / "searches/others/stages").glob(f"w0-{method.method}-scores-*.h5"))) as file:
            # The ratio of densities is of the window alone.
            n = len(set(file["data/row"][:]))
            assert n == len(file["data/row"]) == (1560 if method.method != "anode" else n)
            assert np.isfinite(file["data/score"][:]).all()
            assert {"reference", "extra", "held_out"} <= set(file)
    assert record.methods[0].windows[0].performance.auc > 0.95


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["method=nothing"], "method=nothing does not exist"),
        (["method=cwola,nothing"], "method=nothing does not exist"),
        (["method=cathode", "scan.center=2700"], "no side band below it"),
        (["method=cathode", "methods.cathode.oversample=0"], "methods.cathode.oversample=0: an integer from 1 to 1000"),
        (["method=cathode", "methods.cathode.clasifier=[model=trees]"], "methods.cathode.clasifier"),
        (["method=cathode", "resume=nowhere"], "nowhere is not a search"),
        (["method=cathode", "hydra.run.dir=here"], "makes no run and has no directory of one"),
        (["method=cathode", "data=calo"], "a search takes rows of named columns"),
    ],
)
def test_wrong_words_are_one_line_and_leave_nothing(tmp_path, words, said):
    given = injected_words(tmp_path, n=400, events=20)
    before = set(tmp_path.rglob("*"))
    kept = [word for word in given if not any(word.split("=")[0] == other.split("=")[0] for other in words)]
    done = run(tmp_path, *kept, "logger=none", *words)
    assert (done.code, done.err.count("\n")) == (2, 1), done.err
    assert said in done.err
    assert set(tmp_path.rglob("*")) == before


def test_without_iminuit_nothing_is_trained_first(tmp_path, monkeypatch):
    monkeypatch.setattr(search, "find_spec", lambda name: None if name == "iminuit" else find_spec(name))
    done = run(tmp_path, "method=cathode")
    assert (done.code, done.err.count("\n")) == (2, 1), done.err
    assert 'pip install "hepad[search]"' in done.err
    assert not (tmp_path / "searches").exists()
