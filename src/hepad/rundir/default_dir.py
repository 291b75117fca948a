"""The default directory of a run: the first free name, also where several runs begin within one second."""

from itertools import count
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, open_dict, read_write


def claim_directory(directory: Path) -> Path:
    """Make a directory that nobody else has: the one named, else `<name>_2`, `<name>_3`, …; return it.

    Raises:
        OSError: it cannot be made.
    """
    directory.parent.mkdir(parents=True, exist_ok=True)
    for number in count(1):
        candidate = directory if number == 1 else directory.with_name(f"{directory.name}_{number}")
        try:
            # Either made by this process or not at all, so that no two processes can have one.
            candidate.mkdir()
        except FileExistsError:
            continue
        return candidate
    raise AssertionError("unreachable")


class DefaultRunDirectory(Callback):
    """Hydra's callback that claims a run's directory, unless the user names one with `hydra.run.dir`."""

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Put the claimed directory into the config; called by Hydra before it makes the directory."""
        if any(str(word).lstrip("+").startswith("hydra.run.dir=") for word in config.hydra.overrides.hydra):
            return
        # The default's name refers to Hydra's own section, which Hydra itself sets a moment later.
        HydraConfig.instance().set_config(config)
        try:
            claimed = claim_directory(Path(str(config.hydra.run.dir)))
        except OSError:
            # Hydra makes it in a moment, fails in the same way, and that is told.
            return
        with read_write(config.hydra), open_dict(config.hydra):
            config.hydra.run.dir = str(claimed)
