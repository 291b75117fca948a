"""Checkpoints of a training, written whole: last.ckpt, or previous.ckpt where that one is damaged."""

import io
import re
import time
from pathlib import Path
from typing import Any, Final

import torch
from lightning.fabric.plugins import TorchCheckpointIO
from torch import nn

from hepad.callbacks.resume_point import LAST, PREVIOUS
from hepad.checkpoints.checkpoint_model import check_weights, read_checkpoint, state_dict_of
from hepad.checkpoints.divergence import lost_weights
from hepad.core.errors import UserError
from hepad.core.files import Due, atomic_write_bytes
from hepad.rundir.checkpoint_file import damage
from hepad.rundir.parsing import check_mapping, fields, listing, number, shown


def _version(value: Any, where: str) -> None:
    """Allow what names a version of Lightning, whose migration of old checkpoints raises for other words."""
    if not isinstance(value, str) or not re.fullmatch(r"\d+(\.\d+){1,3}\w{0,12}", value):
        raise UserError(f"{where}={shown(value)}: a version is needed")


_CONTENT: Final = fields(
    {
        "epoch": number(0, 10**9, whole=True),
        "global_step": number(0, 10**15, whole=True),
        "pytorch-lightning_version": _version,
        "optimizer_states": listing(check_mapping, most=8),
        "lr_schedulers": listing(check_mapping, most=8),
        "loops": check_mapping,
        "callbacks": check_mapping,
    },
    need=["epoch", "state_dict", "optimizer_states", "lr_schedulers", "loops", "callbacks"],
)


def find_checkpoint(directory: Path) -> tuple[Path | None, str]:
    """Return the newest whole checkpoint, last.ckpt or else previous.ckpt, and why it is not last.ckpt (else empty).

    None where there is neither. A damaged last.ckpt is named on stdout.

    Raises:
        UserError: there are checkpoints, and none can be read.
    """
    damaged: list[str] = []
    for name in (LAST, PREVIOUS):
        if not (directory / name).is_file():
            continue
        reason = unusable(directory / name)
        if reason is None:
            if not damaged:
                return directory / name, ""
            print(f"{directory / damaged[0]}; going on from {name}, one epoch earlier", flush=True)
            return directory / name, damaged[0]
        damaged.append(f"{name} cannot be read ({reason})")
    if damaged:
        raise UserError(f"{'; '.join(f'{directory / said}' for said in damaged)}: train again in another directory")
    return None, ""


def check_epochs(max_epochs: int, checkpoint: Path | None) -> None:
    """Raise `UserError` where more epochs are done than are asked for now."""
    if checkpoint is None:
        return
    # Counted from 0, the one that was about to begin.
    epoch = read_checkpoint(checkpoint)["epoch"]
    if max_epochs < epoch:
        raise UserError(f"trainer.max_epochs={max_epochs}: {epoch} epochs are done already; ask for at least as many")


def unusable(checkpoint: Path) -> str | None:
    """Return why training cannot go on from a checkpoint, or None where it can."""
    if reason := damage(checkpoint):
        return reason
    try:
        content = read_checkpoint(checkpoint)
        _CONTENT(content, "it")
        weights = state_dict_of(content, checkpoint)
    except UserError as error:
        return str(error).removeprefix(f"cannot load {checkpoint}: ")
    return lost_weights(weights)


def check_fits(model: nn.Module, checkpoint: Path | None) -> None:
    """Raise `UserError` where the weights of a checkpoint are not those of the model that is to go on with them."""
    if checkpoint is not None:
        check_weights(model, state_dict_of(read_checkpoint(checkpoint), checkpoint), checkpoint)


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes a checkpoint aside, in the same directory, and renames it.

    Lightning's own writes to the system's temporary directory and moves the file; where that is another disk, the move
    is a copy, and a job killed in the middle of it leaves half a checkpoint.

    Small networks improve many times a second: what is written again and again is held back in memory until it is due
    (`Due`). A last.ckpt is written at once, after all that was held back, so that it never knows of a best.ckpt that
    is not there.
    """

    def __init__(self) -> None:
        super().__init__()
        self._held_back: dict[Path, bytes] = {}
        self._due = Due()

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None) -> None:
        """Write `checkpoint` to `path` in one step, or hold it back; raises `OSError` where there is no room."""
        content = io.BytesIO()
        torch.save(checkpoint, content)
        path = Path(path)
        if path.name == LAST:
            self.flush()
            _write(path, content.getvalue())
            return
        self._held_back[path] = content.getvalue()
        if self._due.now():
            self.flush()

    def flush(self) -> None:
        """Write all that is held back."""
        began = time.perf_counter()
        while self._held_back:
            path, content = next(iter(self._held_back.items()))
            _write(path, content)
            del self._held_back[path]
        self._due.wrote(time.perf_counter() - began)

    def load_checkpoint(self, path: Any, *args: Any, **options: Any) -> Any:
        """Read a checkpoint, which may have been held back."""
        self.flush()
        return super().load_checkpoint(path, *args, **options)

    def remove_checkpoint(self, path: Any) -> None:
        """Remove a checkpoint, wherever it is."""
        self._held_back.pop(Path(path), None)
        super().remove_checkpoint(path)

    def teardown(self) -> None:
        """Write all that is held back; also when a training ends in an error."""
        self.flush()


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write_bytes(path, content)
