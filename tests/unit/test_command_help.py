"""`--help` of the commands: their own keys, explained."""

import os
import subprocess
import sys

import pytest

from hepad.__main__ import COMMANDS
from hepad.command_help import command_help


@pytest.mark.parametrize("command", sorted(set(COMMANDS) - {"train"}))
def test_every_command_shows_its_keys_with_their_comments_and_nothing_of_hydra(command):
    shown = command_help(command)
    assert f"usage: hepad {command} KEY=VALUE" in shown
    assert "hydra" not in shown
    assert "defaults:" not in shown
    assert "#" in shown.split("keys:")[1]
    assert ("groups" in shown) is (command == "evaluate")


def test_groups_are_those_of_the_command_with_their_options():
    shown = command_help("evaluate")
    assert "inference: forward, latent_search" in shown
    assert "optimizer" not in shown


def test_it_is_what_the_flag_prints():
    done = subprocess.run(
        [sys.executable, "-m", "hepad", "compare", "--help"], capture_output=True, text=True, check=True
    )
    assert done.stdout == command_help("compare") + "\n"
    assert "baseline: null # the run that the others are compared with" in done.stdout


def test_a_reader_who_stops_reading_gets_no_wrong_error():
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-u", "-m", "hepad", "train", "--help"]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")
