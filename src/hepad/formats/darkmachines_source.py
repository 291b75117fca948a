"""CSV files of the DarkMachines challenge (arXiv:2105.14027): one event a line, with as many objects as it has.

    event; process; weight; MET; METphi; obj1,E1,pt1,eta1,phi1; obj2,E2,pt2,eta2,phi2; …

Energies are in MeV there, and stay so here; the preset makes GeV of them.
"""

from collections.abc import Collection
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from hepad.core.errors import UserError
from hepad.formats.source import Column, Source

OBJECTS: Final = ("j", "b", "e-", "e+", "m-", "m+", "g")
"""Kinds of objects; `obj_kind` is the place in this list, 7 for any other."""

_EVENT: Final = ("event_id", "weight", "met", "met_phi")
_OBJECT: Final = ("obj_E", "obj_pt", "obj_eta", "obj_phi")
_LINES_PER_MARK: Final = 1024
_LONGEST_LINE: Final = 1 << 20


class DarkMachinesSource(Source):
    """Events and their objects.

    Columns are `event_id`, `weight`, `met`, `met_phi`; and jagged `obj_kind`, `obj_E`, `obj_pt`, `obj_eta`, `obj_phi`.

    Args:
        path: a file of the challenge.

    Raises:
        UserError: lines of another form.
    """

    reader: ClassVar[str] = "darkmachines"

    def __init__(self, path: Path) -> None:
        self.path = path
        self._marks = [0]
        n_rows = at = 0
        line = b""
        with path.open("rb") as file:
            for line in iter(lambda: file.readline(_LONGEST_LINE + 1), b""):
                if len(line) > _LONGEST_LINE:
                    raise UserError(f"cannot read {path}: a line of more than {_LONGEST_LINE:,} bytes")
                at += len(line)
                if not line.strip():
                    continue
                n_rows += 1
                if n_rows % _LINES_PER_MARK == 0:
                    self._marks.append(at)
        if line and not line.endswith(b"\n"):
            # The last number may have lost digits, and would still be a number.
            raise UserError(
                f"cannot read {path}: truncated, its last line does not end; if it is whole, `echo >> {path}` ends it"
            )
        numbers = {name: Column(n_rows, (), "number") for name in _EVENT}
        self.columns = {**numbers, **{name: Column(n_rows, None, "number") for name in ("obj_kind", *_OBJECT)}}

    @property
    def kind(self) -> str:
        """The kind of file."""
        return "text of the DarkMachines challenge"

    def read(self, names: Collection[str], start: int, stop: int) -> dict[str, Any]:
        """Return columns of some events."""
        import awkward as ak

        numbers, kinds, objects, counts = self._parsed(self._lines(start, stop), start)
        found: dict[str, Any] = {name: numbers[:, i] for i, name in enumerate(_EVENT)}
        jagged = {"obj_kind": kinds, **{name: objects[:, i] for i, name in enumerate(_OBJECT)}}
        found |= {name: ak.unflatten(values, counts) for name, values in jagged.items() if name in names}
        return {name: found[name] for name in names}

    def _lines(self, start: int, stop: int) -> bytes:
        mark = start // _LINES_PER_MARK
        lines: list[bytes] = []
        with self.path.open("rb") as file:
            file.seek(self._marks[mark])
            row = mark * _LINES_PER_MARK
            while row < stop and (line := file.readline(_LONGEST_LINE)):
                if line.strip():
                    if row >= start:
                        lines.append(line.strip().rstrip(b";") + b";\n")
                    row += 1
        return b"".join(lines)

    def _parsed(
        self, text: bytes, start: int
    ) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
        """Take lines apart by the places of their separators, all lines at once.

        Returns:
            `(N, 4)` numbers of the events, `(M,)` kinds and `(M, 4)` numbers of all objects, `(N,)` how many.
        """
        if not text:
            return np.empty((0, 4)), np.empty(0, np.int64), np.empty((0, 4)), np.empty(0, np.int64)
        plain = np.frombuffer(text.replace(b" ", b""), dtype=np.uint8)
        ends, lines = plain == ord(";"), plain == ord("\n")
        # The field that each character stands in, counted within its line; a separator ends its own field.
        before = np.cumsum(ends) - ends
        line_ends = np.flatnonzero(lines)
        n_fields = np.diff(before[line_ends], prepend=0)
        if (n_fields < 5).any():
            raise UserError(
                f"cannot read {self.path}: row {start + int((n_fields < 5).argmax())} is no "
                "'event; process; weight; MET; METphi; obj,E,pt,eta,phi; …'"
            )
        line = np.cumsum(lines) - lines
        field = before - (np.cumsum(n_fields) - n_fields)[line]
        in_event = ~lines & (field < 5) & (field != 1)
        numbers = self._numbers(plain[in_event], 4, start)
        in_object = ~lines & (field >= 5)
        objects = plain[in_object].tobytes().replace(b";", b",")
        words = np.array(objects.split(b",")[:-1], dtype=object).reshape(-1) if objects else np.empty(0, object)
        if len(words) % 5:
            raise UserError(f"cannot read {self.path}: an object from row {start} on is no 'obj,E,pt,eta,phi'")
        table = words.reshape(-1, 5)
        kinds = np.full(len(table), len(OBJECTS), dtype=np.int64)
        for index, name in enumerate(OBJECTS):
            kinds[table[:, 0] == name.encode()] = index
        return numbers, kinds, self._floats(table[:, 1:], start), n_fields - 5

    def _numbers(self, characters: NDArray[np.uint8], width: int, start: int) -> NDArray[np.float64]:
        return self._floats(np.array(characters.tobytes().split(b";")[:-1], dtype=object).reshape(-1, width), start)

    def _floats(self, words: NDArray[np.object_], start: int) -> NDArray[np.float64]:
        try:
            return words.astype(np.float64)
        except ValueError as error:
            raise UserError(f"cannot read {self.path}: {error} (from row {start} on)") from error
