"""ROOT files: flat and jagged branches of one TTree, or fields of an RNTuple, through uproot."""

import errno
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, ClassVar, Final

import numpy as np

from hepad.core.errors import JobError, UserError
from hepad.core.remote import InputFile, RemoteFile, size_of
from hepad.formats.cache import told_while_reading
from hepad.formats.source import Column, Source

USUAL_TREES: Final = (
    "Events",
    "CollectionTree",
    "Delphes",
    "events",
    "TreeMaker2/PreSelection",
    "PreSelection",
    "tree",
)
"""Names under which trees of events are looked for first."""

_THREADS: Final = 2
_NUMBERS: Final = (
    "float",
    "double",
    "int",
    "uint",
    "bool",
    "char",
    "short",
    "long",
    "Float",
    "Double",
    "Int",
    "unsigned",
)


class RootSource(Source):
    """The branches of a tree.

    Args:
        path: a ROOT file.
        tree: the name of the tree; None for one of `USUAL_TREES`, else the one with the most entries.

    Raises:
        UserError: no ROOT file, or no such tree.
    """

    reader: ClassVar[str] = "root"

    def __init__(self, path: InputFile, tree: str | None = None) -> None:
        self.path = path
        uproot = root_libraries()
        self._threads: ThreadPoolExecutor | None = None
        with _told(path):
            # A path as text, for what it is and not as `path:tree`.
            self._file = uproot.open({str(path): None} if isinstance(path, RemoteFile) else path)
            try:
                if int(self._file.file.fEND) > size_of(path):
                    raise UserError(f"cannot read {path}: truncated, not a ROOT file any more, or damaged")
                self._tree = self._find(tree)
                self.tree = self._tree.name
                self._branches = self._readable()
            except BaseException:
                self._file.close()
                raise
            self.columns = _Branches(self._branches, int(self._tree.num_entries))

    @property
    def kind(self) -> str:
        """The kind of file, with its tree."""
        return f"ROOT file, tree {self.tree!r}"

    def _find(self, wanted: str | None) -> Any:
        trees = {
            name: self._file[name]
            for name in self._file.keys(recursive=True, cycle=False)
            if hasattr(self._file[name], "num_entries") and hasattr(self._file[name], "keys")
        }
        for name in (wanted,) if wanted is not None else USUAL_TREES:
            if name in trees:
                return trees[name]
        if wanted is not None or not trees:
            there = f"it has: {', '.join(trees)}" if trees else "it has none at all"
            raise UserError(f"{self.path} has no tree {wanted or 'Events'!r}, as CMS NanoAOD has; {there}")
        return max(trees.values(), key=lambda found: int(found.num_entries))

    def _readable(self) -> dict[str, Any]:
        """Return the branches that have no others below them, by the shortest name that tells them."""
        found: dict[str, Any] = {}
        for branch in self._tree.itervalues(recursive=True):
            if not getattr(branch, "branches", None):
                found.setdefault(branch.name.rpartition("/")[-1], branch)
        return found

    def _arrays(self, names: Collection[str], start: int, stop: int) -> dict[str, Any]:
        """Return branches as Awkward arrays, those at the top of a tree all at once: that takes half the time."""
        settings = {
            "entry_start": start,
            "entry_stop": stop,
            "library": "ak",
            "decompression_executor": self._threads,
            # Steps are read once: what was read is not kept.
            "array_cache": None,
        }
        top = {id(branch): branch.name for branch in getattr(self._tree, "branches", ())}
        wanted = {id(self._branches[name]) for name in names} & top.keys()
        if not wanted:
            return {name: self._branches[name].array(**settings) for name in names}
        found = self._tree.arrays(filter_branch=lambda branch: id(branch) in wanted, how=dict, **settings)
        by_branch = {name: found.get(top.get(id(self._branches[name]), "")) for name in names}
        return {n: self._branches[n].array(**settings) if array is None else array for n, array in by_branch.items()}

    def read(self, names: Collection[str], start: int, stop: int) -> dict[str, Any]:
        """Return the branches of some entries."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(_THREADS)
        with _told(self.path):
            import awkward as ak

            found = self._arrays(names, start, stop)
            return {name: ak.to_numpy(array) if array.ndim == 1 else array for name, array in found.items()}

    def close(self) -> None:
        """Close the file, and end the threads that unpack it."""
        if self._threads is not None:
            self._threads.shutdown()
        self._file.close()

    def boundaries(self, names: Sequence[str]) -> Sequence[int]:
        """Return the entries at which all branches begin a new basket."""
        with _told(self.path):
            common: set[int] | None = None
            for name in names:
                offsets = {int(edge) for edge in np.asarray(getattr(self._branches[name], "entry_offsets", ()))}
                common = offsets if common is None else common & offsets
            return sorted(common or ())


class _Branches(Mapping[str, Column]):
    """Branches of numbers, described when somebody asks: NanoAOD has thousands, and describing one takes long."""

    def __init__(self, branches: Mapping[str, Any], rows: int) -> None:
        self._branches = branches
        self._rows = rows

    def __contains__(self, name: object) -> bool:
        return name in self._branches

    def __getitem__(self, name: str) -> Column:
        return Column(self._rows, *_described(self._branches[name]))

    def __iter__(self) -> Iterator[str]:
        for name in self._branches:
            if self[name].type.startswith(_NUMBERS):
                yield name

    def __len__(self) -> int:
        return len(self._branches)


def _described(branch: Any) -> tuple[tuple[int, ...] | None, str]:
    """Return the shape of one row of a branch, None where it is jagged, and the type of its numbers."""
    kind = str(branch.typename).replace("const ", "")
    for vector in ("std::vector<", "ROOT::VecOps::RVec<"):
        if kind.startswith(vector):
            return None, kind.removeprefix(vector).rstrip("> ").removeprefix("std::")
    if kind.startswith("std::array<"):
        plain, _, width = kind.removeprefix("std::array<").rstrip("> ").rpartition(",")
        return (int(width),), plain.strip().removeprefix("std::")
    # A field of an RNTuple says std::int32_t where a branch of a TTree says int32_t.
    kind = kind.removeprefix("std::")
    plain = kind.partition("[")[0]
    if kind.endswith("[]"):
        return None, plain
    widths = kind[len(plain) :].strip("[]")
    return tuple(int(part) for part in widths.split("][") if part.isdigit()), plain


def root_libraries() -> Any:
    """Return uproot; raise `UserError` where it or awkward is not installed."""
    try:
        import awkward  # noqa: F401
        import uproot
    except ImportError as error:
        raise UserError(f'reading ROOT files needs {error.name}; install it with pip install "hepad[root]"') from error
    return uproot


@contextmanager
def _told(path: InputFile) -> Iterator[None]:
    """Raise `UserError` for whatever uproot raises on a broken file."""
    try:
        with told_while_reading(path):
            yield
    except (UserError, JobError, GeneratorExit, KeyboardInterrupt):
        raise
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise
        raise UserError(f"cannot read {path}: not a ROOT file, or damaged") from error
    except Exception as error:
        if isinstance(path, RemoteFile):
            # fsspec hands what went wrong on as if it were the bytes: the server is asked whether it is there.
            with told_while_reading(path):
                path.facts()
        # A parser of what strangers wrote: uproot, awkward and the decompressors raise dozens of types here.
        raise UserError(f"cannot read {path}: not a ROOT file, or damaged ({type(error).__name__})") from error
