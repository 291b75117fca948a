"""Data given in Python: the name of a data config, files, or entries in memory; made words of a training."""

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any, Final

from hepad.config import config_dirs, quoted
from hepad.core.errors import UserError
from hepad.core.hdf5 import has_dataset, open_hdf5
from hepad.core.inputs import PARTS, input_files
from hepad.core.names import check_name
from hepad.core.remote import is_remote
from hepad.formats.elementwise import is_jagged
from hepad.formats.generic import OWN
from hepad.formats.opening import reader_of
from hepad.python.memory_samples import (
    MemorySample,
    kind_of,
    memory_samples,
    refuse_nonfinite,
    words_of_images,
    write_sample,
)
from hepad.python.words import Settings

BACKGROUND: Final = "background"
"""Name of a sample that the user gives without one."""

_USUAL_MODEL: Final = {"vector": "dense_ae", "set": "td_ae", "image": "conv_ae"}


def add_data(
    settings: Settings,
    data: Any,
    structures: frozenset[str] | None,
    features: Sequence[str] | None = None,
) -> None:
    """Add the words of what is trained on, and of a model for such entries where none is chosen.

    Args:
        settings: those given so far.
        data: see `hepad.train`.
        structures: those of entries that the chosen model takes; None where none is chosen.
        features: names of the columns of arrays that do not name them.

    Raises:
        UserError: neither a data config, nor files, nor entries.
    """
    if data is None:
        return
    if isinstance(data, str) and _is_option(data):
        settings.words.insert(0, f"data={data}")
        return
    samples = _samples(data)
    in_memory = {name: given for name, given in samples.items() if not _is_files(given)}
    read = memory_samples(in_memory, features)
    if not settings.names("data.on_nonfinite"):
        refuse_nonfinite(read)
    first = next(iter(samples))
    if read:
        kind, words = usual_words(settings, read[0], structures, first)
    else:
        kind = settings.value("data") or _kind_of_files(samples[first], structures)
        words = _words(settings, [f"data={kind}", "data.bundled=false", f"data.background={first}"])
    for name, given in samples.items():
        memory = next((sample for sample in read if sample.name == name), None)
        words.append(f"data.samples.{name}={_files(given if memory is None else str(write_sample(memory, kind)))}")
    settings.words[:0] = words


def usual_words(
    settings: Settings, sample: MemorySample, structures: frozenset[str] | None, background: str = BACKGROUND
) -> tuple[str, list[str]]:
    """Return the kind of data of entries in memory, and the words of a training on them that the user did not give.

    Args:
        settings: those given so far.
        sample: the entries that train.
        structures: those of entries that the chosen model takes; None where none is chosen.
        background: name of their sample.
    """
    kind = settings.value("data") or kind_of(sample, structures)
    words = [f"data={kind}", "data.bundled=false", f"data.background={background}"]
    words += words_of_images(sample) if kind == "calo" else ()
    if not settings.names("experiment"):
        words.append(f"model={_USUAL_MODEL['vector' if kind in ('jets', 'table') else sample.structure]}")
    return kind, _words(settings, words)


def _words(settings: Settings, words: Sequence[str]) -> list[str]:
    """Return the words whose keys the user did not give."""
    return [word for word in words if not settings.names(word.partition("=")[0])]


def _samples(data: Any) -> dict[str, Any]:
    """Return sample → files or entries."""
    if isinstance(data, str | PurePath) and _is_nothing(str(data)):
        options = _options()
        close = difflib.get_close_matches(str(data), options, n=1)
        hint = f" did you mean {close[0]!r}?" if close else ""
        raise UserError(f"data={str(data)!r}: neither a file nor a data config;{hint} allowed: {', '.join(options)}")
    if not isinstance(data, Mapping) or _is_table(data):
        return {BACKGROUND: data}
    if not data:
        raise UserError("data: no samples; sample → file or array is needed")
    for name, given in data.items():
        check_name(f"data: sample {name!r}", str(name))
        if isinstance(given, bool | int | float):
            raise UserError(f"data: {name!r} names a sample, not a setting; a setting is given as data__{name}={given}")
    return {str(name): given for name, given in data.items()}


def _is_nothing(name: str) -> bool:
    """Return whether a name is no file, no glob and no address."""
    return not is_remote(name) and not any(sign in name for sign in "*?[/") and not Path(name).expanduser().exists()


def _is_table(data: Mapping[Any, Any]) -> bool:
    """Return whether a mapping is one sample's columns: each one number, or one list of numbers, per entry."""
    return bool(data) and all(
        not _is_files(column)
        and not isinstance(column, Mapping)
        and (column.ndim <= 2 and not column.fields if is_jagged(column) else _axes(column) == 1)
        for column in data.values()
    )


def _axes(column: Any) -> int:
    if hasattr(column, "ndim"):
        return int(column.ndim)
    return 1 if isinstance(column, list | tuple) and not any(isinstance(part, list | tuple) for part in column) else 2


def _is_files(given: Any) -> bool:
    if isinstance(given, str | PurePath) or given is None:
        return True
    if isinstance(given, Mapping):
        return bool(given) and set(given) <= set(PARTS) and all(_is_files(part) for part in given.values())
    return isinstance(given, list | tuple) and bool(given) and all(isinstance(part, str | PurePath) for part in given)


def _files(given: Any) -> str:
    """Return files as the value of a word."""
    if given is None:
        return "null"
    if isinstance(given, Mapping):
        return f"{{{','.join(f'{part}:{_files(files)}' for part, files in given.items())}}}"
    if isinstance(given, list | tuple):
        return f"[{','.join(_files(part) for part in given)}]"
    return quoted(str(given))


def _kind_of_files(given: Any, structures: frozenset[str] | None) -> str:
    """Return the kind of data of the first file, by what it holds."""
    named = next((part for part in given.values() if part is not None), None) if isinstance(given, Mapping) else given
    if named is None:
        raise UserError("data: the first sample is what is trained on; a file or entries are needed")
    files = [str(part) for part in named] if isinstance(named, list | tuple) else str(named)
    first = input_files(files, "data")[0]
    if not isinstance(first, Path) or reader_of(first) != "hdf5":
        return "table"
    with open_hdf5(first) as file:
        words = next((words for name, words in OWN.items() if has_dataset(file, name)), "data=table")
    kind = words.partition("data=")[2].partition(" ")[0]
    takes_sets = structures is not None and "set" in structures and "vector" not in structures
    return "events" if kind == "jets" and takes_sets else kind


def _options() -> list[str]:
    return sorted({path.stem for place in config_dirs() for path in (place / "data").glob("*.yaml")})


def _is_option(name: str) -> bool:
    return name in _options()
