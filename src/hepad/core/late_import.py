"""Packages whose import takes seconds, and which most commands name but never use: they are read on first use.

Lightning and every optimiser of torch import `torch._dynamo`, the compiler behind `torch.compile`, and torchmetrics
imports `scipy.signal`: together a third of the time before the first training step. All that is asked of them is to
leave functions alone, to break no graph, and to say that no module was compiled. A module that does so stands in their
place until anything else is asked for; from then on the package itself answers, also to who has kept the module.
"""

import functools
import gc
import importlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Final

_DYNAMO: Final = "torch._dynamo"
_SIGNAL: Final = "scipy.signal"
_MANY: Final = 200


def import_late() -> None:
    """Let `torch._dynamo` and `scipy.signal` be read on first use, unless they were imported before."""
    for name, ready in ((_DYNAMO, _dynamo_without_compiling()), (_SIGNAL, {"hamming": None})):
        waiting = any(isinstance(finder, _Finder) and finder.name == name for finder in sys.meta_path)
        if name not in sys.modules and not waiting:
            sys.meta_path.insert(0, _Finder(name, ready))


def is_loaded(name: str) -> bool:
    """Return whether a package itself was imported, and not only what stands in its place.

    >>> from hepad.core.late_import import is_loaded
    >>> is_loaded("sys"), is_loaded("no_such_package")
    (True, False)
    """
    return not isinstance(sys.modules.get(name, _Waiting(name)), _Waiting)


@contextmanager
def importing() -> Iterator[None]:
    """Import what a job needs in this block: no garbage is looked for in it, nor later in the modules that it brings.

    A million objects come with torch and stay to the end; looking through them again and again takes a tenth of a short
    run.
    """
    before, enabled = len(sys.modules), gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if len(sys.modules) > before + _MANY:
            gc.freeze()
        if enabled:
            gc.enable()


class _Waiting(ModuleType):
    """A module in the place of a package that was not read yet."""

    def __getattr__(self, name: str) -> Any:
        # Whoever looks through all modules asks for these, and the import system: no reason to read the package.
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(_load(self.__name__), name)


class _Finder(MetaPathFinder, Loader):
    """Gives the module that waits for a package `name`, with the attributes `ready`, and later its submodules."""

    def __init__(self, name: str, ready: Mapping[str, Any]) -> None:
        self.name = name
        self.ready = ready
        self.given: dict[str, ModuleSpec | None] = {}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return how to import the package or, where one of its submodules is wanted, read the package first."""
        if fullname == self.name:
            return ModuleSpec(fullname, self)
        if not fullname.startswith(f"{self.name}."):
            return None
        _load(self.name)
        if fullname not in sys.modules:
            return None
        # The package has imported it: nothing may be executed twice.
        self.given[fullname] = sys.modules[fullname].__spec__
        return ModuleSpec(fullname, self)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return the module that waits, or the submodule that is there."""
        return sys.modules.get(spec.name) or _Waiting(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Set the attributes that are known without reading."""
        if module.__name__ in self.given:
            module.__spec__ = self.given.pop(module.__name__)
            return
        vars(module).update(self.ready)
        # So that submodules are looked for, here.
        vars(module)["__path__"] = []


def _load(name: str) -> ModuleType:
    """Read a package in place of the module that waits for it; return it."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _Finder) or finder.name != name]
    if isinstance(sys.modules.get(name), _Waiting):
        del sys.modules[name]
        parent, _, child = name.rpartition(".")
        vars(sys.modules[parent]).pop(child, None)
    return importlib.import_module(name)


def _dynamo_without_compiling() -> dict[str, Any]:
    """Return what is asked of `torch._dynamo` where nothing is compiled."""

    def disable(fn: Any = None, recursive: bool = True, **words: Any) -> Any:
        """Return `fn` as it is; once there is a compiler, kept out of its way as that would do."""
        if fn is None or not callable(fn) or isinstance(fn, type):
            return _load(_DYNAMO).disable(fn, recursive, **words)
        return _left_alone(fn, recursive, words)

    def graph_break(*words: Any, **more: Any) -> None:
        if is_loaded(_DYNAMO):
            sys.modules[_DYNAMO].graph_break(*words, **more)

    return {"disable": disable, "graph_break": graph_break, "OptimizedModule": _OptimizedModule}


def _left_alone(fn: Callable[..., Any], recursive: bool, words: Mapping[str, Any]) -> Callable[..., Any]:
    disabled: list[Callable[..., Any]] = []

    @functools.wraps(fn)
    def called(*args: Any, **kwargs: Any) -> Any:
        if disabled:
            return disabled[0](*args, **kwargs)
        if is_loaded(_DYNAMO):
            disabled.append(sys.modules[_DYNAMO].disable(fn, recursive, **words))
            return disabled[0](*args, **kwargs)
        return fn(*args, **kwargs)

    return called


class _Compiled(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return is_loaded(_DYNAMO) and isinstance(instance, sys.modules[_DYNAMO].OptimizedModule)


class _OptimizedModule(metaclass=_Compiled):
    """Class of a compiled module, of which there is none before there is a compiler."""
