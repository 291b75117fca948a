"""Samples of showers: their energy, their cells, and files that do not depend on workers and interruptions."""

import hashlib
from pathlib import Path

import h5py
import numpy as np
import pytest

from hepad.core.errors import UserError
from hepad.simulation import production
from hepad.simulation.production import simulate
from hepad.simulation.settings import Settings
from hepad.simulation.shower_validation import shower_quantities, validate_showers
from hepad.simulation.showers import SAMPLING_FRACTION, ShowerSettings, round_mantissa, simulate_showers

SETTINGS = Settings({"photon_showers": 40, "pion_showers": 15}, seed=3, chunk_size=16, mantissa_bits=8)


def made(kind: str, n: int = 200, seed: int = 1, **settings: float):
    return simulate_showers(kind, n, ShowerSettings(**settings), 23, np.random.default_rng(seed))


def total(showers) -> np.ndarray:
    return showers.cells.reshape(len(showers), -1).sum(axis=1, dtype=float)


def test_visible_energy_is_the_sampled_share_but_for_what_leaks() -> None:
    showers = made("photon", threshold=0.0)
    response = total(showers) / (1000 * showers.energy)
    assert response.mean() == pytest.approx(SAMPLING_FRACTION, rel=0.03)
    # Sampling of 15%/√E and leakage: 2 to 5% between 10 and 100 GeV.
    assert 0.01 < (response / response.mean()).std() < 0.05
    assert showers.energy.min() >= 10
    assert showers.energy.max() <= 100
    assert showers.cells.dtype == showers.energy.dtype == np.float32


def test_resolution_follows_the_sampling_term() -> None:
    spreads = []
    for energy in (10.0, 90.0):
        showers = made("photon", 600, min_energy=energy, max_energy=energy, threshold=0.0)
        response = total(showers) / (1000 * energy)
        spreads.append(response.std() / response.mean())
    assert spreads[0] / spreads[1] == pytest.approx(3, rel=0.35)


def test_a_fine_grid_sums_to_the_coarse_one() -> None:
    fine, coarse = (made("photon", 250, cells=cells, threshold=0.0) for cells in (12, 6))
    joined = fine.cells.reshape(-1, 6, 2, 6, 2, 6, 2).sum(axis=(2, 4, 6), dtype=float)
    mean = coarse.cells.mean(axis=0, dtype=float)
    hot = mean > 1
    np.testing.assert_allclose(joined.mean(axis=0)[hot], mean[hot], rtol=0.25)
    assert joined.sum() == pytest.approx(coarse.cells.sum(dtype=float), rel=0.01)
    assert joined.std(axis=0)[hot].mean() == pytest.approx(coarse.cells.std(axis=0, dtype=float)[hot].mean(), rel=0.1)


def test_pions_start_later_and_are_wider_and_see_less() -> None:
    photons, pions = (shower_quantities(s.cells, s.energy) for s in (made("photon"), made("pion")))
    assert pions["depth"].mean() > photons["depth"].mean() + 0.1
    assert pions["depth"].std() > 1.5 * photons["depth"].std()
    assert pions["width"].mean() > photons["width"].mean()
    assert pions["response"].mean() < 0.7 * photons["response"].mean()


def test_cells_below_the_threshold_are_empty() -> None:
    cells = made("pion", threshold=2.0).cells
    assert cells[cells > 0].min() >= 2
    assert (cells == 0).any()


def test_mantissas_are_rounded_to_the_nearest() -> None:
    values = np.random.default_rng(0).exponential(10, 10_000).astype(np.float32)
    rounded = round_mantissa(values, 6)
    np.testing.assert_allclose(rounded, values, rtol=2.0**-7)
    assert rounded.mean(dtype=float) == pytest.approx(values.mean(dtype=float), rel=1e-3)
    np.testing.assert_array_equal(round_mantissa(rounded, 6), rounded)


def test_files_depend_neither_on_workers_nor_on_an_interruption(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_here(title, work, tasks, fingerprint, workers):
        for task in tasks[: workers if workers > 1 else None]:
            work(task.path, *task.arguments)
        if workers > 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(production, "_run_tasks", run_here)
    # Neither Pythia nor FastJet is needed.
    monkeypatch.setattr(production, "import_simulation_package", None)
    whole = simulate(SETTINGS, tmp_path / "whole", 1)
    with pytest.raises(KeyboardInterrupt):
        simulate(SETTINGS, tmp_path / "stopped", 2)
    again = simulate(SETTINGS, tmp_path / "stopped", 1)
    for sample, path in whole.items():
        assert hashlib.sha256(path.read_bytes()).digest() == hashlib.sha256(again[sample].read_bytes()).digest()
    with h5py.File(whole["photon_showers"]) as file:
        assert file["shower_volume"].shape == (40, 10, 10, 10)
        assert (file["shower_volume"].attrs["units"], file["incident_energy"].attrs["units"]) == ("MeV", "GeV")
        # The energy that a model is conditioned on keeps all its bits.
        energy = file["incident_energy"][:]
        assert len(np.unique(energy)) == 40
        assert (energy != round_mantissa(energy, 8)).any()
        assert "pythia_version" not in file.attrs
        assert file.attrs["cells"] == 10
    other = Settings({"photon_showers": 40}, seed=3, chunk_size=16, showers=ShowerSettings(cells=12))
    with pytest.raises(UserError, match="other settings"):
        simulate(other, tmp_path / "whole", 1)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"cells": 3}, r"showers.cells=3; it must be a whole number, from 4 to 100"),
        ({"min_energy": 50.0, "max_energy": 20.0}, "in this order"),
        ({"min_energy": 0.1}, "from 1 to 1000"),
        ({"threshold": -1.0}, "showers.threshold=-1"),
        ({"threshold": "low"}, "must be a number"),
    ],
)
def test_settings_that_make_no_sense(settings, said) -> None:
    with pytest.raises(UserError, match=said):
        ShowerSettings(**settings)


def test_validation_draws_and_prints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for sample, kind in (("photon_showers", "photon"), ("pion_showers", "pion")):
        showers = made(kind, 30)
        with h5py.File(tmp_path / f"{sample}.h5", "w") as file:
            file["shower_volume"], file["incident_energy"] = showers.cells, showers.energy
    files = {sample: tmp_path / f"{sample}.h5" for sample in ("photon_showers", "pion_showers")}
    written = validate_showers(files, tmp_path / "validation")
    assert len(written) == 6
    assert all(path.stat().st_size for path in written)
    assert "pion_showers         30" in capsys.readouterr().out
