"""The settings of a run, one by one, to see whether two runs have the same."""

from collections.abc import Mapping
from typing import Any, Final

_NO_MATTER: Final = (
    "paths",
    "logger",
    "sweep",
    "resume",
    "evaluation.plots",
    "evaluation.formats",
    "callbacks.progress",
)


def flat_settings(config: Any, prefix: str = "") -> dict[str, Any]:
    """Return dotted key → value of a resolved config; an empty section is one value, `{}`."""
    if not isinstance(config, Mapping):
        return {prefix: config}
    if not config and prefix:
        return {prefix: {}}
    return {
        path: value
        for key, child in config.items()
        for path, value in flat_settings(child, f"{prefix}.{key}" if prefix else str(key)).items()
    }


def changes_no_number(key: str) -> bool:
    """Whether a setting says only where things go, or how they are shown."""
    return is_below(key, _NO_MATTER)


def is_below(key: str, sections: tuple[str, ...]) -> bool:
    """Whether a key is one of `sections`, or in one of them."""
    return any(key == name or key.startswith(f"{name}.") for name in sections)
