"""Names of sweeps and of their jobs: readable, and the same for the same words."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Final

from hepad.core.names import is_name

_LONGEST: Final = 64
# Settings of the summary, or of how long to go on: they do not make it another sweep.
_NOT_THE_SWEEP: Final = ("sweep.name", "sweep.metric", "sweep.direction", "sweep.use_signals", "sweep.n_trials")


def job_name(settings: Mapping[str, str]) -> str:
    """The name of a job's directory from what is swept, in the order of the keys.

    Brackets, quotes and blanks are left out and a comma becomes `_`; where any other character has to be replaced,
    or the name would be too long, eight digits of a hash keep it unique.

    >>> job_name({"seed": "1", "loss": "huber", "model.hidden": "[16,8]"})
    'loss.huber-model.hidden.16_8-seed.1'
    """
    if not settings:
        return "run"
    plain = "-".join(f"{key}.{value}" for key, value in sorted(settings.items()))
    bare = re.sub(r"[\[\]'\" ]", "", plain).replace(",", "_")
    name = re.sub(r"[^A-Za-z0-9._-]", "_", bare)
    if name == bare and len(name) <= _LONGEST and is_name(name):
        return name
    return f"{name[: _LONGEST - 9]}-{_digest(plain)}"


def sweep_name(swept: Iterable[str], words: Iterable[str]) -> str:
    """The name of a sweep from what is swept and a hash of all words of the command, whatever their order.

    >>> sweep_name(["model", "optimizer.lr"], ["model=vae,dense_ae", "optimizer.lr=1e-3,1e-4"])
    'lr-model_e7b9a5cd'
    """
    counted = sorted(word for word in words if word.split("=", 1)[0] not in _NOT_THE_SWEEP)
    short = sorted({re.sub(r"[^A-Za-z0-9_]", "_", key.rsplit(".", 1)[-1]) for key in swept})
    return f"{'-'.join(short)[:40] or 'sweep'}_{_digest(chr(10).join(counted))}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
