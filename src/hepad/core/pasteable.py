"""Commands as a user can paste them, in a terminal where hepad's environment may not be active."""

import os
import shlex
import shutil
import sys
from pathlib import Path


def python_command() -> str:
    """Return how to call the Python that runs hepad: `python` where that is it, else its path.

    After `make train` nothing is active, and the `python` of the terminal knows no hepad.
    """
    found = shutil.which("python")
    if found is not None and os.path.abspath(found) == os.path.abspath(sys.executable):
        return "python"
    path, here = Path(sys.executable), Path.cwd()
    shown = path.relative_to(here) if path.is_relative_to(here) else path
    return shlex.quote(str(shown))
