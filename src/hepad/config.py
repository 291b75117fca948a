"""Where the configs are, and how to compose one outside a command."""

from collections.abc import Sequence
from pathlib import Path

from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig


def config_dir() -> Path:
    """Return the absolute directory of the configs: inside the installed package, else in the checkout.

    An absolute path is what works for a module, a console script, a wheel and an editable install alike
    (`pkg://` and `hydra.searchpath` do not).
    """
    installed = Path(__file__).parent / "configs"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "configs"


def compose(config_name: str = "train", overrides: Sequence[str] = ()) -> DictConfig:
    """Compose the config of a command as its command line would, without running anything.

    >>> compose("train", ["model=dense_ae", "seed=7"]).seed
    7
    """
    # Hydra keeps one instance; inside a running command that one has to be put back.
    running = GlobalHydra.instance().hydra
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(config_dir()), version_base="1.3"):
            return hydra_compose(config_name, overrides=list(overrides))
    finally:
        GlobalHydra.instance().hydra = running
