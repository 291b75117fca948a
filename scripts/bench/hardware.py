"""Hardware, versions, threads and date of a run of the suite."""

import importlib.metadata
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from scripts.bench.settings import Settings

import hepad

PACKAGES = ("torch", "lightning", "numpy", "h5py", "wandb", "keras", "pyod")


def facts(settings: Settings) -> dict[str, Any]:
    """Return date, machine, versions and settings of a run of the suite."""
    return {
        "schema": 1,
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "hepad": hepad.__version__,
        "device": settings.device,
        "hardware": {
            "processor": _processor(),
            "cores": os.cpu_count(),
            "threads": torch.get_num_threads(),
            "load": round(os.getloadavg()[0], 1),
            "gpu": torch.cuda.get_device_name() if settings.device == "cuda" else None,
        },
        "versions": {"python": platform.python_version(), **_versions()},
        "rounds": settings.rounds,
    }


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
