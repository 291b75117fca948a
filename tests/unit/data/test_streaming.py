"""Entries that are streamed from disk: the same as those in memory, each once in an epoch, in an order of its own."""

from collections import Counter
from functools import lru_cache

import h5py
import numpy as np
import pytest
import torch

from hepad.core.byte_sizes import parse_bytes
from hepad.core.errors import UserError
from hepad.data import CaloDataModule, EventsDataModule, JetImagesDataModule, JetsDataModule, TableDataModule
from hepad.data.streaming.budget import exceeds

N = 900
COLUMNS = ["pt", "eta", "phi", "mass", "nConstituents"]


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).gamma(2.0, 10.0, shape).astype("f4")


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A file of events with up to four jets, images, constituents, a table and weights; compressed in chunks."""
    path = tmp_path_factory.mktemp("streamed") / "sample.h5"
    random = np.random.default_rng(5)
    filled = np.arange(4) < random.integers(0, 5, N)[:, None]
    with h5py.File(path, "w") as file:
        jets = file.create_dataset(
            "jet_event_data", data=numbers(N, 4, 5) * filled[..., None], chunks=(32, 4, 5), compression="gzip"
        )
        jets.attrs["features"] = COLUMNS
        file["calo_regions"] = numbers(N, 6, 5, seed=1)
        file["jet_constituents"] = np.where(
            [True, False, False], numbers(N, 6, 3, seed=2), random.normal(0, 0.2, (N, 6, 3))
        )
        file["event_features"] = np.stack([np.arange(N), random.normal(size=N), random.random(N)], axis=1)
        file["event_features"].attrs["features"] = ["number", "ht", "met"]
        file["weight"] = random.integers(1, 5, N).astype("f4")
        file["label"] = random.integers(0, 2, N)
    return path


KINDS = {
    "jets": (JetsDataModule, {}),
    "jets, one by one": (JetsDataModule, {"split": "entries", "min_pt": 5.0}),
    "jets, half of them": (JetsDataModule, {"half": "second", "limit": 1500}),
    "events with a context": (EventsDataModule, {"context": ["met"]}),
    "images": (CaloDataModule, {"augment_phi": False, "augment_eta": False}),
    "jet images": (JetImagesDataModule, {"n_pixels": 8, "truth": "none"}),
    "a table": (TableDataModule, {"features": ["ht", "met"]}),
    "roles": (
        JetsDataModule,
        {
            "regions": {"low": {"pt": [0, 15]}, "high": {"pt": [[20, 40], [50, None]]}},
            "train": [
                {"sample": "s", "region": "low", "label": 0},
                {"sample": "s", "region": "high", "label": 1, "weight": 3},
            ],
        },
    ),
}


def module(source, kind, memory, **more):
    build, settings = KINDS[kind]
    if build is JetsDataModule or build is EventsDataModule:
        settings = {"features": COLUMNS[1:], **settings}
    found = build(
        samples={"s": str(source)}, background="s", bundled=False, batch_size=16, memory=memory, **settings, **more
    )
    found.setup()
    return found


def little(source, kind, share=0.4):
    """Return a share of what all entries take, or the smallest budget, which the refusal of less names."""
    with pytest.raises(UserError, match=r"data\.memory=1 kB is too little to stream") as refused:
        module(source, kind, 1000)
    least = parse_bytes(str(refused.value).split("at least ")[1].split(" are needed")[0])
    data = module(source, kind, "1TB")
    return max(least, int(share * sum(found.needed for found in exceeds(data, data.files, 1).values())))


@lru_cache
def both(source, kind):
    """Return data in memory, and the same streamed."""
    memory, streamed = module(source, kind, "1TB"), module(source, kind, little(source, kind))
    assert memory.streamed is None
    assert streamed.streamed is not None
    return memory, streamed


def keys(batch):
    """Return the bytes of each entry with all that a batch holds of it."""
    fields = [field.numpy().reshape(len(batch.x), -1) for field in batch if field is not None]
    return [b"".join(row.tobytes() for row in rows) for rows in zip(*fields, strict=True)]


def epoch(loader, number=0):
    loader.sampler.set_epoch(number)
    return [key for batch in loader for key in keys(batch)]


@pytest.mark.parametrize("kind", KINDS)
def test_an_epoch_shows_each_training_entry_once_and_validation_all_of_its_own(source, kind):
    memory, streamed = both(source, kind)
    assert streamed.split_hashes() == memory.split_hashes()
    assert (streamed.n_trained, streamed.n_validated) == (len(memory.train_entries), len(memory.val_entries))
    train = streamed.train_dataloader()
    assert len(train) == len(memory.train_dataloader())
    shown, there = Counter(epoch(train)), Counter(keys(memory.train_entries.batch))
    assert shown <= there
    assert (there - shown).total() == len(memory.train_entries) % 16
    assert Counter(epoch(streamed.val_dataloader())) == Counter(keys(memory.val_entries.batch))
    assert all(len(batch.x) == 16 for batch in train)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_kept_are_the_first_entries_of_each_part(source, kind):
    memory, streamed = both(source, kind)
    for name, kept in streamed.test_entries.items():
        if "limit" not in KINDS[kind][1]:
            assert set(kept.observables) == set(memory.test_entries[name].observables)
    kept, all_tested = streamed.tested("s"), memory.tested("s").rows(np.arange(len(streamed.tested("s"))))
    assert 50 < len(kept) <= len(memory.tested("s"))
    assert keys(kept.batch) == keys(all_tested.batch)
    np.testing.assert_array_equal(kept.index, all_tested.index)
    np.testing.assert_array_equal(kept.truth, all_tested.truth)
    for name, values in all_tested.observables.items():
        np.testing.assert_array_equal(kept.observables[name], values)
    for mine, full in zip(streamed.role_entries, memory.role_entries, strict=True):
        assert keys(mine.train.batch) == keys(full.train.batch)[: len(mine.train)]
        assert 1 < len(mine.train) < len(full.train)
        assert mine.train.truth is None


def test_trivial_scores_are_nearly_those_of_all_entries(source):
    memory, streamed = both(source, "a table")
    mine, full = (found.trivial_scores(memory.test_entries["s"]) for found in (streamed, memory))
    assert mine.keys() == full.keys()
    for name, values in mine.items():
        assert np.corrcoef(values, full[name])[0, 1] > 0.9


def test_the_order_is_that_of_seed_and_epoch(source):
    memory = little(source, "jets", 0.2)
    one, other = (module(source, "jets", memory).train_dataloader() for _ in range(2))
    first = epoch(one)
    next(iter(one))  # One that stops in the middle changes nothing.
    assert epoch(other, 1) == epoch(one, 1) != first
    assert epoch(one) == first
    assert epoch(module(source, "jets", memory, seed=7).train_dataloader()) != first


def test_blocks_from_all_over_the_file_are_mixed(source):
    data = module(source, "a table", int(1.1 * little(source, "a table", 0.0)), context=["number"])
    loader = data.train_dataloader()
    found = []
    for i in range(6):
        loader.sampler.set_epoch(i)
        number = np.concatenate([batch.context[:, 0].numpy() for batch in loader])
        found.append(np.corrcoef(number, np.arange(len(number)))[0, 1])
    assert len(number) > 2 * data.streamed.buffer
    # Those of an epoch are of some twenty blocks at random, and scatter by 0.2.
    assert abs(np.mean(found)) < 0.3
    first = number[: data.streamed.buffer]
    assert np.abs(np.diff(first)).mean() > 0.15 * N
    assert len({int(n) // data.streamed.block_rows["s"] for n in first}) >= 7


def test_no_more_than_a_buffer_is_held_at_a_time_and_the_budget_holds_them(source):
    budget = little(source, "jets", 0.2)
    data = module(source, "jets", budget)
    loader = data.train_dataloader()
    epoch(loader)
    assert 0 < loader.most_held <= data.streamed.buffer
    per_entry = 4 * 4 + 12
    assert 4 * data.streamed.buffer * per_entry <= budget / 4
    kept = [*data.test_entries.values(), data.train_entries, data.val_entries]
    assert 4 * sum(len(entries) for entries in kept) * (per_entry + 8 * 6 + 16) <= budget


def test_processes_share_each_batch_and_take_validation_in_turn(source):
    _, data = both(source, "jets")
    parts = {}
    for rank in (0, 1):
        type(data).process = property(lambda self, rank=rank: (rank, 2))
        parts[rank] = ([keys(b) for b in data.train_dataloader()], epoch(data.val_dataloader()))
    del type(data).process
    whole = [keys(batch) for batch in data.train_dataloader()]
    assert [sorted(one + two) for one, two in zip(parts[0][0], parts[1][0], strict=True)] == list(map(sorted, whole))
    validated = epoch(data.val_dataloader())
    assert [parts[rank][1] for rank in (0, 1)] == [validated[0::2], validated[1::2]]


@pytest.mark.parametrize("kind", ["jets", "jets, half of them", "roles"])
def test_validation_reads_neighbours_at_once_and_gives_the_same_batches(source, kind, monkeypatch):
    loader = both(source, kind)[1].val_dataloader()
    reads = []
    for stream in loader.streams:
        read = stream.read
        monkeypatch.setattr(stream, "read", lambda file, *where, read=read: reads.append(where) or read(file, *where))
    together = list(loader)
    n_together = len(reads)
    assert any(stop - first > 1 for first, stop, _ in reads)
    for first, stop, _ in reads:
        held = [stream.scan.entries[stop] - stream.scan.entries[first] for stream in loader.streams]
        assert stop == first + 1 or min(held) <= loader.buffer
    reads.clear()
    loader.close()
    monkeypatch.setattr(loader, "_read_at_once", lambda blocks: [(i, block, block + 1) for i, block in blocks])
    for batch, alone in zip(together, loader, strict=True):
        for field, other in zip(batch, alone, strict=True):
            assert (field is None and other is None) or torch.equal(field, other)
    assert len(reads) > n_together


@pytest.mark.parametrize(("share", "n_epochs_read"), [(0.25, 1), (0.0, 3)])
def test_validation_that_fits_is_read_once_until_the_loader_is_closed(source, monkeypatch, share, n_epochs_read):
    monkeypatch.setattr("hepad.data.part_loaders.KEPT", share)
    data = both(source, "jets")[1]
    loader = data.val_dataloader()
    (stream,) = loader.streams
    read, reads = stream.read, []
    monkeypatch.setattr(stream, "read", lambda file, *where: reads.append(where) or read(file, *where))
    first, *others = (list(loader) for _ in range(3))
    assert len(reads) == n_epochs_read * len(set(reads))
    for again in others:
        assert all(torch.equal(one.x, other.x) for one, other in zip(first, again, strict=True))
    data.teardown("fit")
    reads.clear()
    assert epoch(loader) == [key for batch in first for key in keys(batch)]
    assert reads


def test_validation_that_was_left_early_is_read_to_its_end(source):
    data = both(source, "jets")[1]
    loader = data.val_dataloader()
    assert len(loader) > 1
    next(iter(loader))
    assert len(epoch(loader)) == loader.n_entries


def test_a_file_that_changes_between_epochs_is_told(source, tmp_path):
    path = tmp_path / "changing.h5"
    path.write_bytes(source.read_bytes())
    data = module(path, "jets", little(source, "jets"))
    with h5py.File(path, "r+") as file:
        file["jet_event_data"][:200] = 0
    with pytest.raises(Exception, match="has changed while it was read"):
        epoch(data.train_dataloader())


def test_entries_with_nan_are_left_out_of_blocks_too(source, tmp_path):
    path = tmp_path / "holes.h5"
    path.write_bytes(source.read_bytes())
    with h5py.File(path, "r+") as file:
        file["jet_event_data"][5:700:7, 0, 1] = np.nan
    memory, streamed = (module(path, "jets", amount, on_nonfinite="drop") for amount in ("1TB", little(source, "jets")))
    assert streamed.tested("s").dropped == memory.tested("s").dropped > 50
    assert streamed.split_hashes() == memory.split_hashes()
    shown = [batch.x for batch in streamed.train_dataloader()]
    assert torch.isfinite(torch.cat(shown)).all()
