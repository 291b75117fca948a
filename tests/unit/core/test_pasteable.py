"""Printed commands work where they are pasted."""

import os
import subprocess
import sys

from hepad.core.names import python_command


def pasted(words, directory):
    """Run words in a shell that knows no environment of Python's."""
    return subprocess.run(
        ["/bin/sh", "-c", words],
        cwd=directory,
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_an_active_environment_the_interpreter_is_named_in_full(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.chdir(tmp_path)
    done = pasted(f"{python_command()} -m hepad --version", tmp_path)
    assert done.stdout.startswith("hepad "), done.stderr


def test_in_an_active_environment_python_is_enough(tmp_path, monkeypatch):
    script = tmp_path / "python"
    script.symlink_to(sys.executable)
    monkeypatch.setattr(sys, "executable", str(script))
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/usr/bin")
    assert python_command() == "python"


def test_an_environment_below_is_named_from_here(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(tmp_path / ".venv/bin/python"))
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.chdir(tmp_path)
    assert python_command() == ".venv/bin/python"


def test_a_blank_in_its_path_is_quoted(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/some where/python")
    assert python_command() == "'/some where/python'"
