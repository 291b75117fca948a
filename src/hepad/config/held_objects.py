"""Objects that a user gives in Python in place of a part of a config: losses and networks.

One that can be made again of its class and plain arguments is written like any other part, `_target_` and arguments.
Any other is held by this process, under a name that stands for it in the config: nobody else can load or resume what
was trained with it, and is told so.
"""

import copy
import importlib
import inspect
from collections.abc import Callable, Mapping
from typing import Any, Final

from hepad.core.errors import UserError

_MODULE: Final = "hepad.config.held_objects"
_held: dict[str, type] = {}
_trusted: set[str] = set()


def object_config(
    value: Any, key: str, same: Callable[[Any, Any], bool], known: Mapping[type, str] | None = None
) -> dict[str, Any]:
    """Return what stands for an object in a config.

    What a user gives in Python is trusted by this process; another one that loads the run asks for `HEPAD_TRUST`.

    Args:
        value: the object.
        key: for its name, such as `model.loss`.
        same: whether an object that was made again does what the given one does.
        known: class → the `_target_` that it has in configs already.

    >>> from hepad.config.held_objects import object_config
    >>> from hepad.losses import Huber
    >>> known = {Huber: "hepad.losses.Huber"}
    >>> object_config(Huber(delta=0.5), "model.loss", lambda made, given: made.delta == given.delta, known)
    {'_target_': 'hepad.losses.Huber', 'delta': 0.5}
    """
    cls = type(value)
    target = (known or {}).get(cls, f"{cls.__module__}.{cls.__qualname__}")
    arguments = _arguments(value)
    if arguments is not None and _can_be_named(cls):
        try:
            made = cls(**copy.deepcopy(arguments))
        except (TypeError, ValueError):
            made = None
        if made is not None and same(made, value):
            if cls not in (known or {}):
                _trusted.add(target)
            return {"_target_": target, **arguments}
    return {"_target_": hold(value, key)}


def hold(value: Any, key: str) -> str:
    """Keep an object in this process; return the `_target_` that stands for it, of which each use is a copy."""
    name = f"{type(value).__name__}_{len(_held) + 1}"

    def copied(cls: type) -> Any:
        return copy.deepcopy(value)

    # A class, as every part of a config names one: who asks for what it is finds the attributes of the object's own.
    _held[name] = type(name, (type(value),), {"__new__": copied, "__module__": _MODULE, "__doc__": f"Held for {key}."})
    return f"{_MODULE}.{name}"


def is_held(target: str) -> bool:
    """Return whether a `_target_` stands for an object that a process held, this one or another."""
    return target.startswith(f"{_MODULE}.")


def is_given(target: str) -> bool:
    """Return whether this process was given an object of this class, or holds the object itself.

    Raises:
        UserError: the object was held by another process.
    """
    if is_held(target) and target.rpartition(".")[2] not in _held:
        name = target.rpartition(".")[2].rpartition("_")[0]
        raise UserError(
            f"{name}: the run was given an object that no config describes, and only the process that trained it can "
            "load or resume it; one of an importable class that keeps its plain arguments as attributes of the same "
            "names could be loaded again"
        )
    return is_held(target) or target in _trusted


def __getattr__(name: str) -> Any:
    if name in _held:
        return _held[name]
    raise AttributeError(f"module {_MODULE!r} has no attribute {name!r}")


def _arguments(value: Any) -> dict[str, Any] | None:
    """Return the plain arguments of an object's constructor, which it keeps as attributes; None where it does not."""
    found = {}
    for parameter in inspect.signature(type(value)).parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        kept = getattr(value, parameter.name, inspect.Parameter.empty)
        if kept is inspect.Parameter.empty or parameter.kind is parameter.POSITIONAL_ONLY:
            return None
        plain = _plain(kept)
        if plain is None and kept is not None:
            return None
        found[parameter.name] = plain
    return found


def _plain(value: Any) -> Any:
    """Return numbers, texts, lists and mappings of such as YAML has them; None for anything else."""
    if isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        parts = [_plain(part) for part in value]
        return None if any(part is None for part in parts) else parts
    if isinstance(value, Mapping):
        found = {str(name): _plain(part) for name, part in value.items()}
        return None if any(part is None for part in found.values()) else found
    return None


def _can_be_named(cls: type) -> bool:
    """Return whether another process finds the class by its name: not in a notebook, nor in a function."""
    if cls.__module__ == "__main__":
        return False
    try:
        found: Any = importlib.import_module(cls.__module__)
        for part in cls.__qualname__.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError):
        return False
    return found is cls
