"""What all tests share, those in `tests` and the examples in docstrings of `src`: threads, and no W&B at home."""

import os
from collections.abc import Iterator

# Before anything imports torch, as hepad.cli does.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
if "PYTEST_XDIST_WORKER" in os.environ:
    # As many processes as cores are at work already.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest

pytest_plugins = ["tests.distribution", "tests.quick_process"]


@pytest.fixture(scope="session", autouse=True)
def private_wandb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep W&B offline, and its files and hepad's out of the user's home."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WANDB_MODE", "offline")
        for name in ("WANDB_DATA_DIR", "WANDB_CACHE_DIR", "WANDB_CONFIG_DIR", "HEPAD_CACHE"):
            patch.setenv(name, str(tmp_path_factory.mktemp(name.lower())))
        patch.delenv("WANDB_API_KEY", raising=False)
        yield
