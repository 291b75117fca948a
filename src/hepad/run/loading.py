"""Loading a run back from its directory."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from omegaconf import DictConfig, OmegaConf
from torch import Tensor

from hepad.batch import Batch, slot_mask
from hepad.config_sections import check_sections
from hepad.errors import UserError
from hepad.models import AnomalyModel
from hepad.registry import check_targets, get_class
from hepad.run.checkpoint_model import load_model
from hepad.rundir.checkpoint_file import refuse_damaged
from hepad.rundir.config_file import read_checked_config

CHUNK: Final = 4096
"""Entries scored at once; the last bits of a score may depend on it."""


@dataclass(frozen=True)
class Run:
    """A finished run: its model with the best weights, ready to score.

    Attributes:
        directory: the run's directory.
        config: the resolved config.
        model: the model in eval mode, on the CPU.
    """

    directory: Path
    config: DictConfig
    model: AnomalyModel

    @property
    def entry_shape(self) -> tuple[int, ...]:
        """Shape of one entry that `score` takes."""
        return self.model.entry_shape

    def score(self, entries: ArrayLike) -> NDArray[np.float32]:
        """Return the anomaly score of each entry, `(N,)`; higher is more anomalous.

        Args:
            entries: `(N, *entry_shape)` in raw units (GeV); images of one channel also as `(N, H, W)`.

        Raises:
            UserError: another shape, or NaN or inf.
        """
        array = np.ascontiguousarray(entries, dtype=np.float32)
        if self.entry_shape[0] == 1 and array.shape[1:] == self.entry_shape[1:]:
            array = array.reshape(-1, *self.entry_shape)
        if array.shape[1:] != self.entry_shape:
            raise UserError(f"entries of shape {array.shape[1:]}; this run scores {self.entry_shape}")
        if n_bad := int((~np.isfinite(array).all(axis=tuple(range(1, array.ndim)))).sum()):
            raise UserError(f"{n_bad} of {len(array)} entries hold NaN or inf")
        x = torch.from_numpy(array)
        with torch.inference_mode():
            chunks = [self.model.anomaly_score(self._batch(chunk)) for chunk in torch.split(x, CHUNK)]
        return torch.cat(chunks).float().numpy() if chunks else np.empty(0, dtype=np.float32)

    def _batch(self, x: Tensor) -> Batch:
        return Batch(x=x, mask=slot_mask(x) if len(self.entry_shape) == 2 else None)


def load_run(directory: str | Path) -> Run:
    """Load the best model of a run.

    Nothing in the directory can name code that is not on the allow-list (`hepad.registry`), and the checkpoint is
    read with `weights_only=True`, after its checksums were compared.

    Raises:
        UserError: the directory is not a run, its config or its checkpoint is damaged, or the two do not fit together.
    """
    directory = Path(directory)
    config = OmegaConf.create(read_checked_config(directory))
    checkpoint = directory / "checkpoints" / "best.ckpt"
    if directory.parent.name == "evaluations" and not checkpoint.exists():
        raise UserError(f"{directory} is an evaluation; its run is {directory.parent.parent}")
    if not checkpoint.exists():
        raise UserError(f"{directory} has no checkpoints/best.ckpt; the run did not finish its first epoch")
    refuse_damaged(checkpoint, "put back a copy, or train again")
    check_targets(config.model)
    check_sections(config)
    model = load_model(get_class(config.model._target_), checkpoint)
    return Run(directory=directory, config=config, model=model.eval())
