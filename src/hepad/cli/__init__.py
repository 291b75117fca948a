"""The command line that all commands share."""

from hepad.cli.command import exit_code, run_command

__all__ = ["exit_code", "run_command"]
