"""Recognition of a file: the preset whose columns it has."""

from functools import cache

from hepad.core.errors import UserError
from hepad.core.remote import InputFile
from hepad.formats.opening import open_source, reader_of
from hepad.formats.preset import Preset, preset_files, read_preset
from hepad.formats.source import Source


def open_recognised(path: InputFile, name: str | None = None, tree: str | None = None) -> tuple[Source, Preset | None]:
    """Open a file with the preset that is named, or that it is recognised by; whoever does closes it.

    Args:
        path: of any format.
        name: a preset, or the YAML file of one; None for the one whose columns the file has.
        tree: of a ROOT file.

    Returns:
        The file, and its preset; None where none fits.

    Raises:
        UserError: the file cannot be read, or is none of the named preset.
    """
    if name is None:
        source = open_source(path, tree=tree)
        return source, recognise(source)
    preset = read_preset(name)
    found = reader_of(path)
    reader = preset.reader or found
    if reader != found and not (reader == "darkmachines" and found == "csv"):
        raise UserError(f"{path} is no file of {preset.title}: that is {reader}, this is {found}; leave format out")
    if reader == "root" and tree is None and preset.tree:
        return _with_tree(path, preset), preset
    return open_source(path, reader, tree), preset


def recognise(source: Source) -> Preset | None:
    """Return the preset whose columns a file has; of several the one that asks for the most of them."""
    best, most = None, 0
    for name, path in sorted(preset_files().items()):
        preset = _known(name, path.stat().st_mtime_ns)
        if preset.recognise and fits(preset, source):
            asked = len(preset.recognise) + len(preset.widths)
            if asked > most:
                best, most = preset, asked
    return best


def fits(preset: Preset, source: Source) -> bool:
    """Return whether a file is of a format."""
    if preset.reader != source.reader:
        return False
    tree = getattr(source, "tree", None)
    if preset.tree and tree not in {name.rpartition("/")[2] for name in preset.tree}:
        return False
    for name in preset.recognise:
        there = [alternative for alternative in preset.names.get(name, (name,)) if alternative in source.columns]
        if not there:
            return False
        shape = source.columns[there[0]].shape
        if name in preset.widths and (not shape or shape[-1] != preset.widths[name]):
            return False
    return True


@cache
def _known(name: str, changed: int) -> Preset:
    return read_preset(name)


def _with_tree(path: InputFile, preset: Preset) -> Source:
    for tree in preset.tree[:-1]:
        try:
            return open_source(path, "root", tree)
        except UserError as error:
            if "has no tree" not in str(error):
                raise
    return open_source(path, "root", preset.tree[-1])
