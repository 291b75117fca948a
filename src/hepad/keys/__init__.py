"""The schema of all keys: which type and which range each has, for every command and for the config of a run."""

from hepad.keys.check import check_config, find_kind, leaves
from hepad.keys.commands import COMMAND_KEYS
from hepad.keys.kinds import Kind, Whole

__all__ = ["COMMAND_KEYS", "Kind", "Whole", "check_config", "find_kind", "leaves"]
