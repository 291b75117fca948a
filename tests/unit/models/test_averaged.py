"""The mean over best epochs: best.ckpt holds those that came after the best one, too."""

import lightning as L
import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint

from hepad.data import Batch
from hepad.data.loader import BatchLoader
from hepad.logging.loggers import quieten
from hepad.models import Classifier


class Told(Classifier):
    """A classifier whose validation losses are told."""

    TOLD = (3.0, 1.0, 2.0, 4.0)

    def validation_losses(self, batch):
        return torch.full((len(batch.x),), self.TOLD[self.current_epoch])


def entries():
    x = torch.randn(40, 3, generator=torch.Generator().manual_seed(2))
    return Batch(x, label=(x[:, 0] > 0).long())


@pytest.mark.parametrize(("average", "kept"), [(1, None), (2, [1, 2]), (3, [0, 1, 2])])
def test_best_ckpt_holds_epochs_that_came_after_the_best_one(tmp_path, average, kept):
    quieten()
    torch.manual_seed(0)
    model = Told((3,), hidden=[4], average=average)
    model.prepare(entries())
    best = ModelCheckpoint(tmp_path, "best", monitor="val/loss", enable_version_counter=False)
    trainer = L.Trainer(
        max_epochs=4, accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False,
        num_sanity_val_steps=0, callbacks=[best],
    )  # fmt: skip
    trainer.fit(model, BatchLoader(entries(), 8, shuffle_seed=1), BatchLoader(entries(), 20))
    content = torch.load(tmp_path / "best.ckpt", weights_only=True)
    assert content["epoch"] == 1
    state = content["state_dict"]
    if kept is None:
        assert not any(name.startswith("best_epochs") for name in state)
        return
    assert sorted(state["best_epochs.epoch"].tolist()) == kept
    assert torch.equal(state["best_epochs.weights"], model.state_dict()["best_epochs.weights"])
    # The network itself is that of the best epoch, not of the last.
    assert not torch.equal(state["network.layers.0.weight"], model.state_dict()["network.layers.0.weight"])
