"""Directories of the configs, and composing one outside a command."""

from collections.abc import Sequence
from pathlib import Path

from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from hepad.config.installed import installed_config_dirs

_command_searchpath: list[tuple[str, ...]] = []
"""The search path of the command of this process; empty where no command runs."""


def config_dir() -> Path:
    """Return the absolute directory of the configs: inside the installed package, else in the checkout.

    An absolute path is what works for a module, a console script, a wheel and an editable install alike
    (`pkg://` and `hydra.searchpath` do not).

    >>> from hepad.config import config_dir
    >>> (config_dir() / "model" / "dense_ae.yaml").is_file()
    True
    """
    installed = Path(__file__).parents[1] / "configs"
    return installed if installed.is_dir() else Path(__file__).parents[3] / "configs"


def config_dirs(searchpath: Sequence[str] = ()) -> list[Path]:
    """Return the directories where configs are looked for: hepad's, a search path's, installed packages'.

    >>> from hepad.config import config_dirs
    >>> [directory.name for directory in config_dirs(["my_configs"])][:2]
    ['configs', 'my_configs']
    """
    places = _with_installed([*searchpath, *running_searchpath()])
    return [config_dir(), *(Path(place.removeprefix("file://")) for place in places if "pkg:" not in place)]


def running_searchpath() -> list[str]:
    """Return where the command that runs looks for configs beside hepad's own (`--config-dir`, `hydra.searchpath`)."""
    if _command_searchpath:
        return list(_command_searchpath[-1])
    return [str(place) for place in HydraConfig.get().searchpath] if HydraConfig.initialized() else []


def use_searchpath(searchpath: Sequence[str]) -> None:
    """Look for configs in these places too, from now on; a command says so before Hydra has read its config.

    >>> from hepad.config import config_dirs, use_searchpath
    >>> use_searchpath(["my_configs"])
    >>> config_dirs()[-1].name
    'my_configs'
    >>> use_searchpath([])
    """
    _command_searchpath[:] = [tuple(searchpath)]


def compose(config_name: str = "train", overrides: Sequence[str] = (), with_hydra: bool = False) -> DictConfig:
    """Compose the config of a command as its command line would, without running anything.

    Inside a command, configs are looked for where that one looks for them.

    Args:
        config_name: the command.
        overrides: its words.
        with_hydra: keep Hydra's own section, which knows the option of every group (`hydra.runtime.choices`).

    >>> from hepad.config import compose
    >>> compose("train", ["model=dense_ae", "seed=7"]).seed
    7
    """
    # Hydra keeps one instance; inside a running command that one has to be put back.
    running = GlobalHydra.instance().hydra
    given = any(word.startswith("hydra.searchpath=") for word in overrides)
    words = [*([] if given else search_path_word(running_searchpath())), *overrides]
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(config_dir()), version_base="1.3"):
            return hydra_compose(config_name, overrides=words, return_hydra_config=with_hydra)
    finally:
        GlobalHydra.instance().hydra = running


def search_path_word(searchpath: Sequence[str]) -> list[str]:
    """Return the word that tells Hydra where else to look: there, then in installed packages; none for nowhere.

    >>> from hepad.config import search_path_word
    >>> search_path_word(["my_configs", "/data/configs"])
    ["hydra.searchpath=['my_configs','/data/configs']"]
    """
    places = _with_installed(searchpath)
    return [f"hydra.searchpath=[{','.join(quoted(place) for place in places)}]"] if places else []


def _with_installed(searchpath: Sequence[str]) -> list[str]:
    """Return the places of a search path and, behind them, those of installed packages: what the user names wins."""
    return list(dict.fromkeys([*searchpath, *(f"file://{directory}" for directory in installed_config_dirs())]))


def quoted(text: str) -> str:
    """Return a text in quotes as Hydra's grammar reads it back: backslashes count double only before a quote.

    >>> from hepad.config import quoted
    >>> quoted("it's")
    "'it\\\\'s'"
    """
    parts = text.split("'")
    escaped = [part + "\\" * (len(part) - len(part.rstrip("\\"))) for part in parts]
    return "'" + "\\'".join(escaped) + "'"
