"""Context: observables beside the entries, in every batch and in every way of reading."""

import h5py
import numpy as np
import pytest
import torch
from tests.own_data import KINDS, MASS, N_ROWS, read_kind, write_kind

from hepad.core.batch import Batch, drawn_by_weight, join_batches, take_rows
from hepad.core.errors import UserError
from hepad.data import JetImagesDataModule, JetsDataModule, TableDataModule

KIND = pytest.mark.parametrize("kind", KINDS)


@KIND
def test_every_batch_holds_the_context_of_its_entries(kind, tmp_path):
    data = read_kind(kind, write_kind(kind, tmp_path / "a.h5"), context=["m_jj"], batch_size=16)
    assert data.context_names == ("m_jj",)
    for entries in (data.train_entries, data.val_entries, data.test_entries["a"]):
        assert entries.batch.context.dtype == torch.float32
        np.testing.assert_array_equal(entries.batch.context[:, 0], MASS[entries.index].astype("f4"))
    loaders = (data.train_dataloader(), data.val_dataloader(), *data.test_dataloader())
    assert all(batch.context.shape == (len(batch.x), 1) for loader in loaders for batch in loader)


@KIND
def test_parts_of_a_file_have_the_context_of_their_rows(kind, tmp_path):
    path = write_kind(kind, tmp_path / "a.h5", second=-MASS)
    data = read_kind(kind, path, context=["second", "m_jj"])
    with h5py.File(path) as file:
        whole = data.read_weighted(file, "a", None)
        parts = [data.read_weighted(file, "a", None, slice(start, start + 50)) for start in range(0, N_ROWS, 50)]
    joined = join_batches([part.batch for part in parts])
    assert torch.equal(joined.context, whole.batch.context)
    assert torch.equal(joined.x, whole.batch.x)
    np.testing.assert_array_equal(whole.batch.context[:, 1], MASS[whole.index].astype("f4"))


@pytest.mark.parametrize("kind", [JetImagesDataModule, JetsDataModule, TableDataModule])
def test_what_an_entry_is_made_of_may_be_context_too(kind, tmp_path):
    """A mass, a pT, a column: from a whole file and from a part of it alike, also where a file has its own."""
    name = {JetImagesDataModule: "mass", JetsDataModule: "pt", TableDataModule: "mass"}[kind]
    path = write_kind(kind, tmp_path / "a.h5")
    if kind is JetImagesDataModule:
        with h5py.File(path, "r+") as file:
            file["jet_features"] = np.c_[MASS, MASS]
            file["jet_features"].attrs["features"] = ["pt", "mass"]
    data = read_kind(kind, path, context=[name])
    with h5py.File(path) as file:
        whole, part = (data.read_weighted(file, "a", None, rows) for rows in (None, slice(60, 90)))
    inside = (whole.index >= 60) & (whole.index < 90)
    assert torch.equal(part.batch.context, whole.batch.context[torch.from_numpy(inside)])
    assert not torch.equal(whole.batch.context[:-1], whole.batch.context[1:])


def test_a_column_of_the_context_is_no_feature_unless_it_is_named(tmp_path):
    path = write_kind(TableDataModule, tmp_path / "a.h5")
    data = read_kind(TableDataModule, path, context=["mass"])
    assert data.feature_names == ("energy", "angle", "ratio", "count")
    assert "mass" in data.train_entries.observables
    named = read_kind(TableDataModule, path, context=["mass"], features=["mass", "angle"])
    assert torch.equal(named.train_entries.batch.x[:, :1], named.train_entries.batch.context)
    with pytest.raises(UserError, match="has no column that is neither context nor truth"):
        read_kind(TableDataModule, path, context=["energy", "mass", "angle", "ratio", "count"])


def test_a_context_that_is_missing_or_not_finite_is_refused(tmp_path):
    path = write_kind(JetsDataModule, tmp_path / "a.h5")
    with pytest.raises(
        UserError, match=r"data\.context=\[met\]: .*a\.h5 has no observable met; it has: .*m_jj.*pt"
    ) as e:
        read_kind(JetsDataModule, path, context=["met"])
    assert "\n" not in str(e.value)
    write_kind(JetsDataModule, tmp_path / "b.h5", m_jj=MASS[:-1])
    with pytest.raises(UserError, match=r"b\.h5 has no observable m_jj"):
        read_kind(JetsDataModule, path, samples={"a": str(path), "b": str(tmp_path / "b.h5")}, context=["m_jj"])
    with pytest.raises(UserError, match=r"data\.context=\[pt,pt\] names an observable twice"):
        read_kind(JetsDataModule, path, context=["pt", "pt"])
    holes = MASS.copy()
    holes[[3, 8]] = np.nan, 1e300
    path = write_kind(TableDataModule, tmp_path / "holes.h5", m_jj=holes)
    with pytest.raises(UserError, match="2 of 200 entries of a hold NaN or inf"):
        read_kind(TableDataModule, path, context=["m_jj"])
    data = read_kind(TableDataModule, path, context=["m_jj"], on_nonfinite="drop")
    assert data.test_entries["a"].dropped == 2


def test_rows_of_a_batch_keep_every_field():
    n = torch.arange(4)
    batch = Batch(
        x=n[:, None].float(),
        mask=(n > 1)[:, None],
        target=n.float(),
        weight=n.float(),
        context=n[:, None].float(),
        importance=n.float(),
        label=n,
        protected=n.float(),
    )
    taken = take_rows(batch, torch.tensor([3, 1]))
    assert all(field.flatten().tolist() in ([3, 1], [True, False]) for field in taken)
    joined = join_batches([batch, taken])
    assert all(len(field) == 6 for field in joined)
    assert joined.label.tolist() == [0, 1, 2, 3, 3, 1]
    drawn = drawn_by_weight(batch)
    assert torch.equal(drawn.label, drawn.context[:, 0].long())
    assert join_batches([batch._replace(context=None), batch]).context is None
