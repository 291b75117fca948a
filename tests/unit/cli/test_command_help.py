"""`--help`, `--version` and tab completion of the commands."""

import os
import subprocess
import sys

import pytest
from tests.configs.test_compose import CHOICES
from tests.runs.conftest import call

from hepad import __version__, train
from hepad.__main__ import COMMANDS
from hepad.cli.help import WIDTH, command_help
from hepad.cli.words import read_command_line
from hepad.config.keys import COMMAND_KEYS

OPTIONS = [choice for choice in CHOICES if not choice.startswith(("hydra/", "sweep=", "experiment=", "debug="))]


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_shows_its_keys_with_their_comments_and_nothing_of_hydra(command):
    shown = command_help(command)
    assert f"usage: hepad {command} KEY=VALUE" in shown
    assert "hydra." not in shown
    assert "defaults:" not in shown
    assert "_target_=" not in shown
    assert ("groups" in shown) is (command in ("train", "evaluate", "generator_card", "search"))
    assert max(map(len, shown.splitlines())) <= WIDTH


def without_comment(shown):
    keys = [line for line in shown.split("unless you set them:")[1].splitlines() if line.startswith("  ")]
    lines = [line for line in keys if line.strip()]
    below = [*lines[1:], ""]
    return [
        line.split("=")[0].strip()
        for line, after in zip(lines, below, strict=True)
        if not line.startswith("   ") and len(line.split("  ")) < 3 and not after.startswith("     ")
    ]


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_key_has_a_comment(command):
    assert without_comment(command_help(command)) == []


@pytest.mark.thorough
def test_every_key_of_every_option_has_a_comment():
    """One page per group option, composed once each; an option that lacks a comment is named."""
    found = {choice: without_comment(command_help("train", read_command_line([choice]))) for choice in OPTIONS}
    assert {choice: keys for choice, keys in found.items() if keys} == {}


def test_groups_are_those_of_the_command_with_their_options():
    shown = command_help("evaluate")
    assert "inference=forward latent_search" in shown
    assert "optimizer" not in shown


def test_the_options_chosen_before_it_are_shown():
    shown = command_help("train", read_command_line(["model=vae", "seed=7"]))
    assert "model.beta=1.0" in shown
    assert "seed=7" in shown
    assert "HEPAD_TRUST" in shown


def test_it_is_what_the_flag_prints():
    done = subprocess.run(
        [sys.executable, "-m", "hepad", "compare", "--help"], capture_output=True, text=True, check=True
    )
    assert done.stdout == command_help("compare") + "\n"
    assert "baseline=null" in done.stdout


def test_a_reader_who_stops_reading_gets_no_wrong_error():
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-u", "-m", "hepad", "train", "--help"]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")


def test_the_version_is_hepads(tmp_path):
    assert call(train.main, tmp_path, "--version").out == f"hepad {__version__}\n"
    command = [sys.executable, "-m", "hepad", "--version"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == f"hepad {__version__}\n"


@pytest.fixture(scope="module")
def bash(tmp_path_factory):
    """Return a caller that types a line into a real bash with the completion installed; it gives what is offered."""
    directory = tmp_path_factory.mktemp("shell")
    for name, words in (("hepad", "-m hepad"), ("python", "")):
        (directory / name).write_text(f'#!/bin/sh\nexec {sys.executable} {words} "$@"\n')
        (directory / name).chmod(0o755)
    installed = call(train.main, directory, "-sc", "install=bash")
    assert installed.code == 0, installed.err
    (directory / "completion.bash").write_text(installed.out)
    program = """
        source completion.bash
        line="$1"; COMP_LINE="$line"; COMP_POINT=${#line}
        read -r -a COMP_WORDS <<< "${line//=/ = }"; COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 ))
        $(complete -p "${COMP_WORDS[0]}" | sed 's/.*-F \\([^ ]*\\) .*/\\1/')
        printf '%s\\n' "${COMPREPLY[@]}"
    """

    def typed(line):
        environment = os.environ | {"PATH": f"{directory}:{os.environ['PATH']}"}
        done = subprocess.run(
            ["bash", "--norc", "-c", program, "bash", line],
            cwd=directory,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.stderr == ""
        return done.stdout.split()

    return typed


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("hepad tr", {"train"}),
        ("hepad ", set(COMMAND_KEYS)),
        # Where bash ends a word at `=`, only what follows it.
        ("hepad train loss=h", {"hinge", "huber"}),
        ("hepad train trainer.max_e", {"trainer.max_epochs="}),
        ("python -m hepad.train loss=mse model=v", {"vae"}),
        ("python -m hepad.score on", {"on_nonfinite="}),
        ("python script.py lo", set()),
    ],
)
def test_bash_completes_groups_options_and_keys(bash, line, offered):
    assert set(bash(line)) == offered


def test_another_shell_is_refused(tmp_path):
    done = call(train.main, tmp_path, "-sc", "install=zsh")
    assert done.code == 2
    assert "bash" in done.err
