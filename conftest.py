"""What all tests share, examples in docstrings of `src` too: threads, the same draws, and no W&B at home."""

import os
import random
import sys
from collections.abc import Iterator

# Before anything imports torch, as hepad.cli does.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
if "PYTEST_XDIST_WORKER" in os.environ:
    # As many processes as cores are at work already.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pytest

pytest_plugins = ["tests.distribution", "tests.left_out", "tests.quick_process"]


@pytest.fixture(scope="session", autouse=True)
def private_wandb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep W&B offline, and its files and hepad's out of the user's home."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WANDB_MODE", "offline")
        for name in ("WANDB_DATA_DIR", "WANDB_CACHE_DIR", "WANDB_CONFIG_DIR", "HEPAD_CACHE"):
            patch.setenv(name, str(tmp_path_factory.mktemp(name.lower())))
        patch.delenv("WANDB_API_KEY", raising=False)
        yield


def _seed_all() -> None:
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002
    # Not imported here: W&B has to come first (tests.quick_process).
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


@pytest.fixture(scope="module", autouse=True)
def same_draws_of_modules() -> None:
    """Let what a module's tests share be made of the same draws, whichever tests ran before."""
    _seed_all()


@pytest.fixture(autouse=True)
def same_draws() -> None:
    """Let a test draw the same points and weights, whichever tests ran before."""
    _seed_all()
