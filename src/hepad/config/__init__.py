"""Configs: where they are, composing one, what each key may hold, and what a config may build."""

from hepad.config.composing import compose, config_dir, config_dirs, quoted, search_path_word, use_searchpath
from hepad.config.run_config import RunConfig

__all__ = ["RunConfig", "compose", "config_dir", "config_dirs", "quoted", "search_path_word", "use_searchpath"]
