"""`hepad.score` and `hepad.convert` on the workers of a cluster: the bytes of one process, also where a worker dies."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from hepad import convert, score
from hepad.run import cluster_scoring, scoring_input
from hepad.scores import forward
from tests.clusters import kill_one_after_the_first_result, two_workers
from tests.conftest import write_jet_file
from tests.runs.conftest import call

NANOAOD = Path(__file__).parents[1] / "data" / "nanoAOD_2015_CMS_Open_Data_ttbar.root"


@pytest.fixture(scope="module")
def cluster():
    with two_workers() as found:
        yield found


@pytest.fixture
def small_tasks(monkeypatch):
    # Tasks, parts and blocks that end at different rows.
    monkeypatch.setattr(scoring_input, "ROWS", 170)
    for room in (forward, cluster_scoring):
        monkeypatch.setattr(room, "rows_at_once", lambda *_: 256)


def scored(run, directory, name, *words):
    done = call(score.main, directory, f"run={run}", "input=new.h5", f"output={name}", *words)
    assert done.code == 0, done.err
    return (directory / name).read_bytes(), done.out


@pytest.mark.usefixtures("small_tasks")
def test_scores_are_the_bytes_of_one_process_though_a_worker_dies(run, cluster, tmp_path, monkeypatch):
    write_jet_file(tmp_path / "new.h5", n_events=3000, seed=7)
    alone, _ = scored(run, tmp_path, "alone.h5")
    killed = kill_one_after_the_first_result(cluster, monkeypatch)
    shared, said = scored(run, tmp_path, "shared.h5", f"cluster={cluster.scheduler_address}", "workers=2")
    assert shared == alone
    assert killed
    assert "scoring: 3000 of 3000 rows" in said
    with h5py.File(tmp_path / "shared.h5") as file:
        # The last block of one process is smaller than the others.
        assert len(file["score"]) % 256 > 0
        assert json.loads(file.attrs["left_out"])["empty slots"] > 0


@pytest.mark.thorough
@pytest.mark.usefixtures("small_tasks")
def test_what_one_process_refuses_is_refused_with_the_same_row(run, cluster, tmp_path):
    jets = write_jet_file(tmp_path / "new.h5", n_events=2000, seed=7)
    with h5py.File(jets, "r+") as file:
        (name,) = (name for name in file if file[name].ndim == 3)
        file[name][1234, 0, 3] = np.nan
    words = [f"run={run}", "input=new.h5", "output=out.h5"]
    done = call(score.main, tmp_path, *words, f"cluster={cluster.scheduler_address}")
    assert done.code == 2
    assert "the entry of row 1234 holds NaN or inf" in done.err
    assert done.err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["new.h5"]
    dropped, _ = scored(run, tmp_path, "dropped.h5", "on_nonfinite=drop")
    assert scored(run, tmp_path, "c.h5", "on_nonfinite=drop", f"cluster={cluster.scheduler_address}")[0] == dropped


@pytest.mark.thorough
def test_converted_files_are_the_bytes_of_one_process_though_a_worker_dies(cluster, tmp_path, monkeypatch):
    words = [f"input={NANOAOD}", "sample=ttbar", "chunk=20"]
    assert call(convert.main, tmp_path, *words, "output=alone.h5").code == 0
    killed = kill_one_after_the_first_result(cluster, monkeypatch)
    done = call(convert.main, tmp_path, *words, "output=shared.h5", f"cluster={cluster.scheduler_address}")
    assert done.code == 0, done.err
    assert (tmp_path / "shared.h5").read_bytes() == (tmp_path / "alone.h5").read_bytes()
    assert killed
    assert {path.name for path in tmp_path.iterdir()} == {"alone.h5", "shared.h5"}


@pytest.mark.thorough
def test_a_conversion_goes_on_from_the_parts_of_another_way(cluster, tmp_path, monkeypatch):
    words = [f"input={NANOAOD}", "sample=ttbar", "chunk=40", "output=out.h5"]

    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("hepad.formats.conversion.ConvertedFile.finish", stop)
        assert call(convert.main, tmp_path, *words, f"cluster={cluster.scheduler_address}").code == 130
    done = call(convert.main, tmp_path, *words)
    assert done.code == 0, done.err
    assert "5 parts of an earlier conversion went on from" in done.out
