"""Refusal of entries that do not fit into memory, before they are read."""

import ctypes
import math
from pathlib import Path
from typing import Final

import h5py

from hepad.core.errors import UserError

COPIES: Final = 4
"""Entries as read, joined, split into parts, and once more in double precision while statistics are made."""

_CGROUPS: Final = Path("/sys/fs/cgroup")
_OWN_CGROUP: Final = Path("/proc/self/cgroup")


def available_memory() -> int | None:
    """Return the bytes that this process may still take: of the machine, or of its control group; None if unknown."""
    found = [value for value in (_machine(), _control_group()) if value is not None]
    return min(found) if found else None


def return_free_memory() -> None:
    """Give back to the system what the C library keeps of memory that was freed; only glibc has to be asked.

    Blocks of entries come and go in sizes between those that it returns by itself.
    """
    if (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)) is not None:
        trim(0)


def check_fits(n_bytes: int, sample: str, path: object) -> None:
    """Raise `UserError` where the entries of a sample, `n_bytes` as float32, will not fit.

    Args:
        n_bytes: of the entries alone.
        sample: for the message.
        path: of its file.
    """
    available = available_memory()
    if available is not None and COPIES * n_bytes > available:
        raise UserError(
            f"sample {sample} needs about {COPIES * n_bytes / 1e9:.1f} GB of memory, {available / 1e9:.1f} GB are free "
            f"({path}); read fewer entries with data.limit=N (hepad.score reads files of any size)"
        )


def check_rows_fit(dataset: h5py.Dataset, rows: slice | None, sample: str, numbers: int = 0) -> None:
    """Raise `UserError` where the rows of a data set that are to be read will not fit.

    Args:
        dataset: one row per entry.
        rows: which of them; None for all.
        sample: for the message.
        numbers: that are made of a row, beside those that it has.
    """
    n_rows = len(range(*(rows or slice(None)).indices(len(dataset))))
    check_fits(4 * n_rows * (numbers + math.prod(dataset.shape[1:])), sample, dataset.file.filename)


def _machine() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")), None)


def _control_group() -> int | None:
    """Return what the limits of this process's control group, and of those around it, leave; None without a limit.

    Of version 2 (`memory.max`) or 1 (`memory.limit_in_bytes`). Pages of files that the kernel may drop are free.
    """
    try:
        lines = _OWN_CGROUP.read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    found = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            root, names = _CGROUPS, ("memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            root, names = _CGROUPS / "memory", ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        else:
            continue
        here = root / path.lstrip("/")
        found += [free for place in (here, *here.parents) if (free := _left_in(place, *names)) is not None]
    return min(found) if found else None


def _left_in(group: Path, limit_name: str, used_name: str, droppable_name: str) -> int | None:
    try:
        limit = (group / limit_name).read_text(encoding="ascii").strip()
        used = (group / used_name).read_text(encoding="ascii").strip()
        statistics = (group / "memory.stat").read_text(encoding="ascii").split()
    except OSError:
        return None
    if not limit.isdigit() or not used.isdigit():
        return None
    by_name = dict(zip(statistics[::2], statistics[1::2], strict=False))
    return int(limit) - int(used) + int(by_name.get(droppable_name, 0))
