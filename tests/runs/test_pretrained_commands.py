"""Commands on a pretrained scorer: it scores a file, chooses a threshold and gives its most anomalous entries."""

import h5py
import numpy as np
import pytest

import hepad
from hepad import score, threshold, top
from hepad.bundled import bundled_files
from tests.runs.conftest import call


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HEPAD_CACHE", str(tmp_path / "cache"))


def test_a_file_is_scored_by_name_to_the_bits_of_the_loaded_scorer(tmp_path):
    with h5py.File(bundled_files()["wprime"]) as file, h5py.File(tmp_path / "images.h5", "w") as few:
        images = few["calo_regions"] = file["calo_regions"][:200]
    done = call(score.main, tmp_path, "run=pretrained:conv_ae/calo", "input=images.h5", "output=scores.h5")
    assert done.code == 0, done.err
    with h5py.File(tmp_path / "scores.h5") as found:
        scores = hepad.load_pretrained("conv_ae/calo").score(images.astype(np.float32))
        np.testing.assert_array_equal(found["score"][:], scores)
        assert found.attrs["run"].startswith("conv_ae-calo-")
        assert found["accepted_fpr_1e-2"][:].mean() > 0.9
        assert found["p_value"][:].max() <= 1


def test_a_wrong_name_is_one_line_and_nothing_is_written(tmp_path):
    source = bundled_files()["wprime"]
    done = call(score.main, tmp_path, "run=pretrained:conv_ae/cala", f"input={source}", "output=scores.h5")
    assert (done.code, done.out) == (2, "")
    assert done.err == "error: no pretrained scorer 'conv_ae/cala'; did you mean conv_ae/calo?\n"
    assert list(tmp_path.iterdir()) == []


def test_a_threshold_is_kept_in_the_cache_and_used_by_the_next_command(tmp_path):
    done = call(threshold.main, tmp_path, "run=pretrained:gmm/dijets", "fpr=0.05", "name=loose")
    assert done.code == 0, done.err
    done = call(
        score.main, tmp_path, "run=pretrained:gmm/dijets", f"input={bundled_files()['wprime_dijet']}", "output=s.h5"
    )
    assert done.code == 0, done.err
    with h5py.File(tmp_path / "s.h5") as file:
        assert {"accepted_loose", "accepted_fpr_1e-2"} <= set(file)


def test_the_most_anomalous_entries_are_found_without_kept_scores(tmp_path):
    done = call(top.main, tmp_path, "run=pretrained:gmm/dijets", "n=4", "output=top.h5")
    assert done.code == 0, done.err
    first = hepad.load_pretrained("gmm/dijets").top(4).entries[0]
    with h5py.File(tmp_path / "top.h5") as file:
        assert file["score"][0] == pytest.approx(first.score)
        assert (np.diff(file["score"][:]) <= 0).all()
