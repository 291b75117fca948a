"""Whether a run that is there is the run that is asked for."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

_ABSENT: Final = "absent"
# Where things go, and how they are shown: they change no number.
_NO_MATTER: Final = (
    "paths",
    "logger",
    "sweep",
    "resume",
    "evaluation.plots",
    "evaluation.formats",
    "callbacks.progress",
)


def differing_keys(wanted: Mapping[str, Any], there: Mapping[str, Any], wanted_dir: Path) -> list[str]:
    """The keys, as `key: there → wanted`, in which the config of a run differs from the one asked for.

    Args:
        wanted: the resolved config of a job.
        there: the config.yaml in its directory.
        wanted_dir: that directory; what lies in it is left out of the comparison, so that a sweep can be moved.
    """
    ours, theirs = _flat(wanted), _flat(there)
    differing = []
    for key in sorted(ours.keys() | theirs.keys()):
        new, old = ours.get(key, _ABSENT), theirs.get(key, _ABSENT)
        if _absolute(key, new) == old or _does_not_matter(key) or str(wanted_dir) in str(new):
            continue
        # Filled in by the run itself, from the model.
        if key == "data.train_on" and new is None:
            continue
        differing.append(f"{key}: {old} → {new}")
    return differing


def _absolute(key: str, value: Any) -> Any:
    """A path as a run stores it; everything else as it is."""
    if value is None or not (key.startswith("data.samples.") or key == "model.teacher"):
        return value
    return str(Path(str(value)).expanduser().absolute())


def _does_not_matter(key: str) -> bool:
    return any(key == name or key.startswith(f"{name}.") for name in _NO_MATTER)


def _flat(node: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(node, Mapping):
        return {prefix: node}
    if not node and prefix:
        return {prefix: {}}
    return {
        path: value
        for key, child in node.items()
        for path, value in _flat(child, f"{prefix}.{key}" if prefix else str(key)).items()
    }
