"""A checkpoint as a file: whether its bytes are those that were written, and whether hepad wrote anything of the kind.

A checkpoint is a zip archive of stored (never compressed) tensors and of one pickle that puts them together. Torch's
own restricted reader runs no code of a stranger's; before it sees the file, its size, its parts and every name in the
pickle are looked at here, so that a small file cannot become a large one in memory.
"""

import pickletools
import re
import zipfile
from pathlib import Path
from typing import Final

from hepad.core.errors import UserError
from hepad.core.files import require_file
from hepad.rundir.parsing import first_line

_LARGEST: Final = 8 << 30
_LARGEST_PICKLE: Final = 64 << 20
_PARTS: Final = re.compile(
    r"[^/]+/(data\.pkl|byteorder|version|\.format_version|\.storage_alignment|\.data/serialization_id|data/\d+)"
)
_NAMES: Final = re.compile(
    r"collections OrderedDict|torch (Float|Double|Half|BFloat16|Long|Int|Short|Char|Byte|Bool)Storage"
    r"|torch\._utils _rebuild_(tensor_v2|parameter)"
)
_OTHER_NAMES: Final = frozenset({"STACK_GLOBAL", "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "EXT1", "EXT2", "EXT4"})


def damage(checkpoint: Path) -> str | None:
    """Return why a checkpoint cannot be used, or None for one that is whole.

    Torch itself looks at no checksum; here every one is compared.
    """
    try:
        with zipfile.ZipFile(checkpoint) as file:
            return _foreign(file, checkpoint.stat().st_size) or _wrong_checksum(file) or _foreign_names(file)
    except zipfile.BadZipFile:
        return "it is cut off, or no checkpoint"
    # What else zipfile raises where a wrong byte stands among its own: NotImplementedError, for one.
    except Exception as error:
        return first_line(error)


def refuse_damaged(checkpoint: Path, advice: str) -> None:
    """Raise `UserError`, with `advice` on what to do, where a checkpoint is not as hepad writes one."""
    require_file(checkpoint)
    if reason := damage(checkpoint):
        raise UserError(f"{checkpoint} is damaged ({reason}); {advice}")


def _foreign(file: zipfile.ZipFile, size: int) -> str | None:
    """Say why an archive is none of torch's; nothing is unpacked yet."""
    if size > _LARGEST:
        return f"it has {size:,} bytes, and {_LARGEST:,} is the most that is read"
    parts = file.infolist()
    if any(part.compress_type != zipfile.ZIP_STORED for part in parts):
        return "its parts are compressed, which no checkpoint's are"
    if sum(part.file_size for part in parts) > size:
        return "its parts are said to be larger than the file"
    names = [part.filename for part in parts]
    if len(set(names)) < len(names) or len({name.split("/")[0] for name in names}) != 1:
        return "its parts are not those of one checkpoint"
    if unknown := next((name for name in names if not _PARTS.fullmatch(name)), None):
        return f"it has a part {unknown[:60]!r}, which no checkpoint has"
    return None


def _wrong_checksum(file: zipfile.ZipFile) -> str | None:
    return None if file.testzip() is None else "a checksum is wrong"


def _foreign_names(file: zipfile.ZipFile) -> str | None:
    """Say which name in the pickle is none that puts a checkpoint together; nothing is built."""
    pickled = next((part for part in file.infolist() if part.filename.endswith("/data.pkl")), None)
    if pickled is None or pickled.file_size > _LARGEST_PICKLE:
        return "it has no data.pkl, or a very large one"
    for operation, argument, _ in pickletools.genops(file.read(pickled)):
        if operation.name in _OTHER_NAMES or (operation.name == "GLOBAL" and not _NAMES.fullmatch(str(argument))):
            told = str(argument or operation.name).replace(" ", ".")[:60]
            return f"it would build {told}, which no checkpoint of hepad holds"
    return None
