"""Checkpoints written whole or not at all."""

import io
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins import TorchCheckpointIO

from hepad.core.files import atomic_write_bytes


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes a checkpoint aside, in the same directory, and renames it.

    Lightning's own writes to the system's temporary directory and moves the file; where that is another disk, the move
    is a copy, and a job killed in the middle of it leaves half a checkpoint.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None) -> None:
        """Write `checkpoint` to `path` in one step; raises `OSError` where there is no room."""
        content = io.BytesIO()
        torch.save(checkpoint, content)
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write_bytes(path, content.getvalue())
