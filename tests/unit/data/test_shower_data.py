"""Showers: cells and energies in hepad's units whatever file they are from, what comes with them, what is refused."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from tests.layouts import LAYOUTS

from hepad.bundled import bundled_files
from hepad.core.errors import UserError
from hepad.data import ShowerDataModule
from hepad.data.showers import EMPTY, augment_showers
from hepad.formats import Request, convert_files

_HIT = (np.arange(60) % 7 > 0)[:, None, None, None]
CELLS = (_HIT * np.random.default_rng(0).exponential(1, (60, 4, 6, 5))).astype("f4")
ENERGY = np.random.default_rng(1).uniform(10, 100, 60).astype("f4")


def write(path: Path, cells: np.ndarray = CELLS, units: str | None = None, **more: np.ndarray) -> Path:
    with h5py.File(path, "w") as file:
        file["shower_volume"] = cells
        if units is not None:
            file["shower_volume"].attrs["units"] = units
        for name, values in {"incident_energy": ENERGY, **more}.items():
            file[name] = values
    return path


def read(path: Path | str, **settings) -> ShowerDataModule:
    found = ShowerDataModule(samples={"a": str(path)}, background="a", bundled=False, **settings)
    found.setup()
    return found


def test_the_bundled_samples_are_small_and_what_the_readme_says() -> None:
    files = {name: bundled_files()[name] for name in ("photon_showers", "pion_showers")}
    assert sum(path.stat().st_size for path in files.values()) <= 2e6
    data = ShowerDataModule(samples={}, background="photon_showers", context=["incident_energy"])
    assert data.files == files
    data.setup()
    assert data.entry_shape == (1, 10, 10, 10)
    for name, n in (("photon_showers", 3300), ("pion_showers", 600)):
        entries = data.read_sample(name, files[name])
        assert len(entries) == n
        assert not entries.left_out
        energy = entries.batch.context.numpy()
        assert (energy.min() >= 10) & (energy.max() <= 100)
        assert len(np.unique(entries.batch.x.flatten(1).sum(dim=1).numpy())) > 0.95 * n
    with h5py.File(files["photon_showers"]) as file:
        assert (file.attrs["seed"], file.attrs["mantissa_bits"], file.attrs["cells"]) == (2016, 6, 10)


def test_a_shower_without_energy_is_left_out_and_counted(tmp_path: Path) -> None:
    data = read(write(tmp_path / "a.h5"))
    entries = data.read_sample("a", tmp_path / "a.h5")
    full = np.flatnonzero(np.arange(60) % 7)
    np.testing.assert_array_equal(entries.index, full)
    assert entries.left_out == {EMPTY: 9}
    np.testing.assert_array_equal(entries.batch.x[:, 0].numpy(), CELLS[full])
    np.testing.assert_allclose(entries.observables["incident_energy"], ENERGY[full])
    with pytest.raises(UserError, match=r"every shower of a is empty \(.*none\.h5:/shower_volume\)"):
        read(write(tmp_path / "none.h5", 0 * CELLS))


def test_observables_are_those_of_the_tables_of_presets(tmp_path: Path) -> None:
    found = read(write(tmp_path / "a.h5")).read_sample("a", tmp_path / "a.h5")
    one = CELLS[found.index[3]].astype(float)
    seen = {name: values[3] for name, values in found.observables.items()}
    layers = [sum(cell for line in layer for cell in line) for layer in one.tolist()]
    assert seen["deposited_energy"] == pytest.approx(sum(layers))
    assert seen["n_hit"] == sum(cell > 0 for cell in one.ravel())
    assert seen["hottest_cell"] == pytest.approx(one.max())
    assert seen["depth"] == pytest.approx(sum(i * e for i, e in enumerate(layers)) / sum(layers))
    assert seen["response"] == pytest.approx(sum(layers) / 1000 / ENERGY[found.index[3]])


@pytest.mark.parametrize("name", ["getting_high", "calochallenge2"])
@pytest.mark.parametrize("way", ["raw", "converted"])
def test_public_files_are_read_raw_and_converted_with_their_units(name, way, tmp_path: Path) -> None:
    layout = LAYOUTS[name]
    raw = tmp_path / f"raw{layout.suffix}"
    expected = layout.write(raw, 3)
    path = raw
    if way == "converted":
        path = tmp_path / "converted.h5"
        convert_files([raw], path, Request(format=name, sample="a"))
    settings = {"format": "auto", "context": ["incident_energy"], "bundled": False}
    data = ShowerDataModule(samples={"a": str(path)}, background="a", **settings)
    entries = data.read_sample("a", data.files["a"])
    table, columns = expected["table"]
    kept = entries.index
    np.testing.assert_allclose(entries.batch.x[:, 0].numpy(), expected["shower_volume"][0][kept], rtol=1e-6)
    in_gev = {"getting_high": 1.0, "calochallenge2": 1e-3}[name]
    wanted = in_gev * table[kept, columns.index("incident_energy")]
    np.testing.assert_allclose(entries.batch.context[:, 0].numpy(), wanted, rtol=1e-6)
    for observable in ("deposited_energy", "n_hit", "depth"):
        np.testing.assert_allclose(entries.observables[observable], table[kept, columns.index(observable)], rtol=1e-4)


def test_voxels_of_unlike_layers_are_no_grid(tmp_path: Path) -> None:
    LAYOUTS["calochallenge1_photons"].write(tmp_path / "raw.hdf5", 1)
    with pytest.raises(UserError, match="no regular grid; data=table reads its table"):
        read(tmp_path / "raw.hdf5", format="auto")


def test_cells_in_other_units(tmp_path: Path) -> None:
    data = read(write(tmp_path / "a.h5", CELLS / 1000, units="GeV"))
    entries = data.read_sample("a", tmp_path / "a.h5")
    np.testing.assert_allclose(entries.batch.x[:, 0].numpy(), CELLS[entries.index], rtol=1e-5)
    with pytest.raises(UserError, match="is in photons; known units of energy: MeV, GeV, keV"):
        read(write(tmp_path / "b.h5", units="photons"))


def test_negative_cells_are_named_or_read_as_zero(tmp_path: Path) -> None:
    cells = CELLS.copy()
    cells[[3, 5], 0, 0, 0] = -0.5
    path = write(tmp_path / "a.h5", cells)
    with pytest.raises(
        UserError, match=r"2 of 60 showers of a have cells below 0, down to -0\.5 MeV.*on_negative=zero"
    ):
        read(path)
    entries = read(path, on_negative="zero").read_sample("a", path)
    np.testing.assert_array_equal(entries.batch.x[:, 0].numpy(), np.maximum(cells, 0)[entries.index])


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"cells": CELLS[:, 0]}, r"shape \(60, 6, 5\); \(showers, layers, y, x\) is needed"),
        ({"cells": CELLS[:0]}, "sample a is empty"),
        ({"cells": np.where(CELLS > 5, np.nan, CELLS)}, "hold NaN or inf"),
        ({"incident_energy": ENERGY[:40]}, "has 40 rows for 60 showers; one for each is needed"),
    ],
)
def test_files_that_cannot_be_used(more, said, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=said) as error:
        read(write(tmp_path / "a.h5", **more))
    assert "\n" not in str(error.value)


def test_a_context_needs_the_energy(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["shower_volume"] = CELLS
    assert "incident_energy" not in read(tmp_path / "a.h5").test_entries["a"].observables
    with pytest.raises(UserError, match="has no observable incident_energy"):
        read(tmp_path / "a.h5", context=["incident_energy"])


def test_trivial_scores_use_no_more_than_a_model_is_given(tmp_path: Path) -> None:
    path = write(tmp_path / "a.h5")
    blind, told = read(path), read(path, context=["incident_energy"])
    scores = blind.trivial_scores(blind.test_entries["a"])
    assert set(scores) == {"sum_pt", "multiplicity", "depth", "distance_to_mean", "mahalanobis"}
    entries = told.test_entries["a"]
    usual = told.train_entries.observables["response"].mean()
    np.testing.assert_allclose(
        told.trivial_scores(entries)["response"], np.abs(entries.observables["response"] - usual)
    )


def test_training_showers_are_mirrored_and_on_a_cylinder_rotated() -> None:
    x = torch.arange(2 * 3 * 4 * 5, dtype=torch.float32).reshape(2, 1, 3, 4, 5).repeat(40, 1, 1, 1, 1)
    mirrors = {"none": x, "y": x.flip(3), "x": x.flip(4), "both": x.flip(3, 4)}
    made = augment_showers(x, torch.Generator().manual_seed(0), False)
    counts = {name: sum(torch.equal(a, b) for a, b in zip(made, of, strict=True)) for name, of in mirrors.items()}
    assert sum(counts.values()) == 80
    assert min(counts.values()) > 8
    turned = augment_showers(x, torch.Generator().manual_seed(0), True)
    known = [way.roll(step, dims=3) for way in (x, x.flip(3)) for step in range(4)]
    assert all(any(torch.equal(shower, of[i]) for of in known) for i, shower in enumerate(turned))
    assert not torch.equal(turned, x)


def test_symmetries_leave_observables_as_they_are(tmp_path: Path) -> None:
    for periodic, names in ((False, {"x_flip", "y_flip"}), (True, {"y_rotation", "y_flip"})):
        data = read(write(tmp_path / "a.h5"), periodic_phi=periodic)
        x = data.test_entries["a"].batch.x
        assert set(data.symmetries) == names
        for steps in data.symmetries.values():
            for transform in steps.values():
                moved = transform(x)
                assert not torch.equal(moved, x)
                torch.testing.assert_close(moved.sum(dim=(3, 4)), x.sum(dim=(3, 4)))


def test_parts_of_a_file_are_read_as_the_whole(tmp_path: Path) -> None:
    path = write(tmp_path / "a.h5")
    data = read(path, context=["incident_energy"])
    whole = data.read_sample("a", path)
    with h5py.File(path) as file:
        parts = [data.read_weighted(file, "a", None, slice(i, i + 20)) for i in (0, 20, 40)]
    torch.testing.assert_close(torch.cat([part.batch.x for part in parts]), whole.batch.x)
    torch.testing.assert_close(torch.cat([part.batch.context for part in parts]), whole.batch.context)
    np.testing.assert_array_equal(np.concatenate([part.index for part in parts]), whole.index)
