"""Checkpoints and history that wait until they are due: nothing knows of a file that is not there."""

import lightning as L
import pytest
import torch
from tests.stepping import dense, jets

from hepad.callbacks import EpochLines, History, ResumePoint
from hepad.checkpoints.training_checkpoint import AtomicCheckpointIO
from hepad.core.files import Due
from hepad.data.loader import BatchLoader
from hepad.logging.loggers import quieten


@pytest.fixture
def never(monkeypatch):
    """After it was written once, no file is due again."""
    monkeypatch.setattr(Due, "spare", 1e9)


def read(path):
    return torch.load(path, weights_only=True)["n"]


def test_the_first_is_written_at_once_and_later_ones_wait(tmp_path, never):
    io, best = AtomicCheckpointIO(), tmp_path / "best.ckpt"
    io.save_checkpoint({"n": 1}, best)
    io.save_checkpoint({"n": 2}, best)
    io.save_checkpoint({"n": 3}, best)
    assert read(best) == 1
    assert io.load_checkpoint(best)["n"] == 3
    assert read(best) == 3


def test_what_waits_is_written_before_a_last_ckpt_that_knows_of_it(tmp_path, never, monkeypatch):
    io, order = AtomicCheckpointIO(), []
    io.save_checkpoint({"n": 1}, tmp_path / "best.ckpt")
    io.save_checkpoint({"n": 2}, tmp_path / "best.ckpt")
    written = "hepad.checkpoints.training_checkpoint.atomic_write_bytes"
    monkeypatch.setattr(written, lambda path, content: order.append(path.name))
    io.save_checkpoint({"n": 2}, tmp_path / "last.ckpt")
    assert order == ["best.ckpt", "last.ckpt"]


def test_the_end_of_a_training_writes_what_waits(tmp_path, never):
    io, best = AtomicCheckpointIO(), tmp_path / "best.ckpt"
    for n in (1, 2):
        io.save_checkpoint({"n": n}, best)
    io.teardown()
    assert read(best) == 2


def test_what_is_removed_is_not_written_afterwards(tmp_path, never):
    io, best = AtomicCheckpointIO(), tmp_path / "best.ckpt"
    for n in (1, 2):
        io.save_checkpoint({"n": n}, best)
    io.remove_checkpoint(best)
    io.flush()
    assert not best.exists()


def test_a_checkpoint_waits_as_it_was(tmp_path, never):
    io, best, weights = AtomicCheckpointIO(), tmp_path / "best.ckpt", torch.zeros(2)
    for _ in range(2):
        io.save_checkpoint({"n": weights}, best)
    weights.fill_(7.0)
    io.flush()
    assert torch.equal(read(best), torch.zeros(2))


def train(directory, epochs=6, history=None):
    quieten()
    points = ResumePoint(directory)
    trainer = L.Trainer(
        max_epochs=epochs, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, num_sanity_val_steps=0, plugins=[AtomicCheckpointIO()],
        callbacks=[EpochLines(), history or History(directory / "history.csv"), points],
    )  # fmt: skip
    seen = []
    write = points._write
    points._write = lambda trainer: (write(trainer), seen.append(rows_of(directory)))
    torch.manual_seed(1)
    trainer.fit(dense(), BatchLoader(jets(), 8, shuffle_seed=3), BatchLoader(jets(20), 16))
    return seen


def rows_of(directory):
    """Rows of the history on the disk, and epochs that last.ckpt has done."""
    n_rows = len((directory / "history.csv").read_text().splitlines()) - 1
    (state,) = [
        state
        for name, state in torch.load(directory / "last.ckpt", weights_only=True)["callbacks"].items()
        if name.startswith("ResumePoint")
    ]
    return n_rows, state["epochs"]


def test_last_ckpt_is_written_when_due_and_never_ahead_of_the_history(tmp_path, monkeypatch):
    monkeypatch.setattr(Due, "spare", 0.0)
    assert train(tmp_path) == [(n, n) for n in (1, 2, 3, 4, 5, 6)]


def test_a_history_that_waits_is_written_before_a_last_ckpt_that_holds_it(tmp_path, monkeypatch):
    monkeypatch.setattr(Due, "spare", 0.0)
    history = History(tmp_path / "history.csv")
    history._due.now = lambda: False
    assert train(tmp_path, history=history) == [(n, n) for n in (1, 2, 3, 4, 5, 6)]


def test_what_waits_longest_is_there_in_the_end(tmp_path, never):
    assert train(tmp_path) == [(1, 1), (6, 6)]
    assert {path.name for path in tmp_path.iterdir()} == {"history.csv", "last.ckpt", "previous.ckpt"}


def test_a_history_is_kept_in_a_checkpoint_as_it_is(tmp_path):
    history, again = History(tmp_path / "a.csv"), History(tmp_path / "b.csv")
    history.rows = [{"epoch": 0, "val/loss": 0.1}, {"epoch": 1, "val/loss": 0.2, "train/lr": float("inf")}]
    again.load_state_dict(history.state_dict())
    assert again.rows == history.rows
    assert isinstance(again.rows[0]["epoch"], int)
    again.load_state_dict({"rows": [{"epoch": 3}]})  # of an earlier version
    assert again.rows == [{"epoch": 3}]
