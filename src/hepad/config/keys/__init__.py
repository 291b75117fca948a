"""The schema of all keys: which type and which range each has, for every command and for the config of a run."""

from hepad.config.keys.check import check_config, find_kind, is_foreign, leaves
from hepad.config.keys.commands import COMMAND_KEYS
from hepad.config.keys.kinds import Kind, Whole
from hepad.config.keys.renamed import present_word, with_present_keys

__all__ = [
    "COMMAND_KEYS",
    "Kind",
    "Whole",
    "check_config",
    "find_kind",
    "is_foreign",
    "leaves",
    "present_word",
    "with_present_keys",
]
