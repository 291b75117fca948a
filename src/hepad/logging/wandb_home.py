"""The place of W&B's own files while a run is at work: under the run, unless the user says otherwise."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

STAGING: Final = "WANDB_DATA_DIR"
_IN_HOME: Final = {"WANDB_CACHE_DIR": "XDG_CACHE_HOME", "WANDB_CONFIG_DIR": "XDG_CONFIG_HOME"}
"""W&B's variable → what else moves that directory out of the home."""


@contextmanager
def wandb_home(run_dir: Path) -> Iterator[None]:
    """Let W&B stage tables and artifacts in `run_dir/wandb/staging` while the block runs, instead of in the home.

    So an offline run can be moved and uploaded with all that belongs to it, and a home that cannot be written, as on
    the nodes of many batch systems, costs nothing. In that case W&B's cache and settings are kept in `run_dir/wandb`
    too. A variable that the user has set is left as it is.
    """
    wanted = {STAGING: "staging"}
    if not _is_writable(Path(os.path.expanduser("~"))):
        wanted |= {name: name.split("_")[1].lower() for name, other in _IN_HOME.items() if not os.environ.get(other)}
    ours = {name: str(run_dir.absolute() / "wandb" / part) for name, part in wanted.items() if name not in os.environ}
    os.environ |= ours
    try:
        yield
    finally:
        for name, value in ours.items():
            if os.environ.get(name) == value:
                del os.environ[name]


def _is_writable(directory: Path) -> bool:
    return directory.is_dir() and os.access(directory, os.W_OK | os.X_OK)
