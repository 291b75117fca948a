"""The whole production with real Pythia, over real processes."""

import hashlib
from pathlib import Path

import h5py
import numpy as np
import pytest

from hepad.core.errors import UserError
from hepad.core.schema import CALO_DATASET, EVENT_FEATURES, EVENT_FEATURES_DATASET, JET_DATASET, JET_FEATURES
from hepad.simulation.production import locked, simulate
from hepad.simulation.sample_files import truncate_mantissa
from hepad.simulation.settings import Settings

SETTINGS = Settings({"ttbar": 12}, seed=3, pileup_mean=5.0, chunk_size=5)

pytestmark = pytest.mark.usefixtures("tables_at_hand")


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, tables_at_hand: None) -> Path:
    return simulate(SETTINGS, tmp_path_factory.mktemp("made"), 2)["ttbar"]


def test_files_follow_the_schema(made: Path) -> None:
    with h5py.File(made) as file:
        assert file[JET_DATASET].shape == (12, 8, 17)
        assert file[JET_DATASET].dtype == np.dtype("<f4")
        assert tuple(file[JET_DATASET].attrs["features"]) == JET_FEATURES
        assert file[CALO_DATASET].shape == (12, 18, 14)
        assert file[CALO_DATASET].dtype == np.dtype("<u2")
        assert file[EVENT_FEATURES_DATASET].shape == (12, len(EVENT_FEATURES))
        assert tuple(file[EVENT_FEATURES_DATASET].attrs["features"]) == EVENT_FEATURES
        assert "weight" not in file
        assert {"sample", "source", "hepad_version", "seed", "pythia_version", "fastjet_version"} <= set(file.attrs)
        assert file.attrs["sample"] == "ttbar"
        assert file.attrs["seed"] == 3
        assert file[JET_DATASET][:, 0, 0].min() > 0
    assert [path.name for path in made.parent.iterdir()] == ["ttbar.h5"]


def test_the_number_of_workers_changes_nothing(made: Path, tmp_path: Path) -> None:
    alone = simulate(SETTINGS, tmp_path, 1)["ttbar"]
    assert sha256(alone) == sha256(made)


def test_a_finished_file_is_left_alone(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = made.stat().st_mtime_ns
    simulate(SETTINGS, made.parent, 1)
    assert made.stat().st_mtime_ns == before
    assert "made with the same settings" in capsys.readouterr().out


def test_a_file_of_other_settings_is_not_overwritten(made: Path) -> None:
    before = sha256(made)
    other = Settings({"ttbar": 12}, seed=4, pileup_mean=5.0, chunk_size=5)
    with pytest.raises(UserError, match="made with other settings; choose another output"):
        simulate(other, made.parent, 1)
    made_by_others = made.parent / "radion.h5"
    made_by_others.write_text("not HDF5")
    with pytest.raises(UserError, match=r"radion\.h5 was made with other settings"):
        simulate(Settings({"radion": 5}), made.parent, 1)
    assert sha256(made) == before
    made_by_others.unlink()


def test_mantissas_are_cut_towards_zero() -> None:
    values = np.array([0.0, -1.0, 15.0, 3.1415927, 1e-30, -123.456, 42.0], dtype=np.float32)
    cut = truncate_mantissa(values, 12)
    assert (np.abs(cut) <= np.abs(values)).all()
    np.testing.assert_allclose(cut, values, rtol=2.0**-12)
    np.testing.assert_array_equal(truncate_mantissa(values, 23), values)
    # Whole numbers, empty slots and the −1 of undefined scores are kept.
    np.testing.assert_array_equal(cut[[0, 1, 2, 6]], values[[0, 1, 2, 6]])


def test_two_runs_cannot_write_to_one_place(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(UserError, match="another simulation is at work"), locked(tmp_path):
        pass
    with locked(tmp_path):
        pass
