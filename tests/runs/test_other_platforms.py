"""A pretended Windows: what only POSIX has is missing, and a model is trained all the same."""

import json
import subprocess
import sys

import pytest

PRETENDED = """
import os, signal, subprocess, sys, tempfile, multiprocessing.util
for name in ("fcntl", "resource", "pwd", "grp", "termios", "pty", "tty"):
    sys.modules[name] = None
for name in ("fork", "forkpty", "setsid", "killpg", "sched_getaffinity", "getuid", "geteuid", "mkfifo"):
    if hasattr(os, name):
        delattr(os, name)
# Not SIGKILL and SIGUSR1: Lightning asks for the system first, which is still Linux here.
for name in ("SIGALRM", "SIGXFSZ", "pthread_sigmask", "setitimer", "alarm"):
    if hasattr(signal, name):
        delattr(signal, name)
for name in ("O_NONBLOCK", "O_CLOEXEC"):
    delattr(os, name)
"""

WORDS = ["data.limit=300", "trainer.max_epochs=2", "evaluation.plots=false", "logger=none", "hydra.run.dir=run"]


def test_two_epochs_without_what_only_posix_has(own_samples, tmp_path):
    program = f"{PRETENDED}\nfrom hepad.train import main\nmain({[*own_samples, *WORDS]!r})"
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "run/provenance.json").read_text())["status"] == "finished"
    assert len((tmp_path / "run/history.csv").read_text().splitlines()) == 3


@pytest.mark.thorough
def test_every_command_can_be_imported_without_what_only_posix_has(tmp_path):
    program = (
        f"{PRETENDED}\nimport importlib\nfrom hepad.__main__ import COMMANDS\n"
        "for name in COMMANDS: importlib.import_module(f'hepad.{name}')\n"
        "import pkgutil, hepad\n"
        "for found in pkgutil.walk_packages(hepad.__path__, 'hepad.'):\n"
        "    if '.templates' not in found.name and not found.name.endswith('__main__'):\n"
        "        importlib.import_module(found.name)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
