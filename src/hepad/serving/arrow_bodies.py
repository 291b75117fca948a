"""Requests and answers as Arrow IPC streams: columns by name, or one column `entries`."""

import struct
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hepad.serving.batches import Columns, GivenBatch, Refused, float_array
from hepad.serving.description import Description

MEDIA: Final = "application/vnd.apache.arrow.stream"
ENTRIES: Final = "entries"
MASK: Final = "mask"
_GOES_ON: Final = 0xFFFFFFFF
_SCHEMA: Final = 1
_RECORD_BATCH: Final = 3


def read_arrow(body: bytes, run: Description) -> GivenBatch:
    """Return the entries of a stream.

    Of vectors each feature is a column of numbers, found by name, and so is each observable of the context. Else one
    column `entries` has lists of the shape of an entry, nested or flat; a column `mask` has lists too.

    Raises:
        Refused: no such stream or columns, compressed ones, too many rows, or pyarrow is not installed.
    """
    try:
        import pyarrow as pa
    except ImportError as error:
        raise Refused(415, 'Arrow needs pyarrow where the server runs: pip install "hepad[serve]"') from error
    try:
        return _batch(_table(pa, body, run), run)
    except (pa.ArrowException, OSError, struct.error, ValueError, LookupError) as error:
        reason = " ".join(str(error).encode("ascii", "replace").decode().split())[:200]
        raise Refused(422, f"no Arrow IPC stream that can be read: {reason}") from error


def _batch(table: Any, run: Description) -> GivenBatch:
    if not table.num_rows:
        raise Refused(422, "no entries")
    names = [name for name in table.column_names if name not in (ENTRIES, MASK)]
    mask = _column(table, MASK) if MASK in table.column_names else None
    if ENTRIES in table.column_names:
        entries = _column(table, ENTRIES)
        if entries[0].size != np.prod(run.shape):
            raise Refused(422, f"{ENTRIES} has {entries[0].size} numbers in a row; this run scores {run.shape}")
        context = None if not run.context else np.stack([_column(table, name) for name in run.context], axis=-1)
        return GivenBatch(entries.reshape(-1, *run.shape), None, mask, context)
    if run.features is None or len(run.shape) > 1:
        raise Refused(422, f"no column {ENTRIES}, with lists of {' × '.join(map(str, run.shape))} numbers")
    wanted = [name for name in (*run.features, *run.context) if name in names]
    if not wanted:
        raise Refused(422, f"no column {', '.join(run.features)}; it has: {', '.join(names) or 'none'}")
    return GivenBatch(np.stack([_column(table, name) for name in wanted], axis=-1), wanted, mask)


def _table(pa: Any, body: bytes, run: Description) -> Any:
    """Return the table of a stream whose buffers are no larger than the body, after all of it was looked at."""
    for metadata in _headers(body):
        if _is_packed(metadata):
            raise Refused(422, "compressed buffers, or dictionaries; write the stream without")
    reader = pa.ipc.open_stream(pa.BufferReader(body))
    for field in reader.schema:
        if not _is_plain(pa, field.type):
            found = f"column {field.name[:80]} holds {str(field.type)[:80]}"
            raise Refused(422, f"{found}; numbers, or lists of them, only")
    batches, n_rows = [], 0
    for batch in reader:
        n_rows += batch.num_rows
        if n_rows > run.limits.max_rows:
            raise Refused(413, f"more than {run.limits.max_rows:,} entries; send fewer at a time")
        batch.validate(full=True)
        batches.append(batch)
    return pa.Table.from_batches(batches, reader.schema)


def _headers(body: bytes) -> Iterator[bytes]:
    """Yield the metadata of each message of a stream (Arrow columnar format, "Encapsulated message format")."""
    place = 0
    while place + 8 <= len(body):
        goes_on, size = struct.unpack_from("<Ii", body, place)
        if goes_on != _GOES_ON or size < 0:
            raise struct.error("a message that does not begin as one; hepad reads streams of Arrow 0.15 and later")
        if not size:
            return
        metadata = body[place + 8 : place + 8 + size]
        yield metadata
        length = _fields(metadata, struct.unpack_from("<I", metadata, 0)[0])[3]
        n_bytes = struct.unpack_from("<q", metadata, length)[0] if length else 0
        if n_bytes < 0:
            raise struct.error("a message of fewer than no bytes")
        place += 8 + size + n_bytes


def _is_plain(pa: Any, kind: Any) -> bool:
    types = pa.types
    while types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        kind = kind.value_type
    return bool(types.is_floating(kind) or types.is_integer(kind) or types.is_boolean(kind))


def _is_packed(metadata: bytes) -> bool:
    """Return whether a message is neither a schema nor a batch of plain buffers (`Message.fbs`).

    A compressed buffer says itself how large it will be, and Arrow believes it.
    """
    message = _fields(metadata, struct.unpack_from("<I", metadata, 0)[0])
    kind = metadata[message[1]]
    if kind == _SCHEMA:
        return False
    header = message[2] + struct.unpack_from("<I", metadata, message[2])[0]
    return kind != _RECORD_BATCH or _fields(metadata, header)[3] != 0


def _fields(data: bytes, place: int) -> list[int]:
    """Return the places of the first four fields of a flatbuffers table, 0 for one that is not there."""
    vtable = place - struct.unpack_from("<i", data, place)[0]
    size = struct.unpack_from("<H", data, vtable)[0]
    offsets = (struct.unpack_from("<H", data, vtable + 4 + 2 * i)[0] if 4 + 2 * i < size else 0 for i in range(4))
    return [place + offset if offset else 0 for offset in offsets]


def _column(table: Any, name: str) -> NDArray[np.float32]:
    """Return a column as `(N,)`, or lists of one length as `(N, n)`, nested ones flat."""
    if name not in table.column_names:
        raise Refused(422, f"no column {name}; the run is conditioned on it")
    column = table[name].combine_chunks()
    n, nested = len(column), False
    while hasattr(column.type, "value_type"):
        nested = True
        lengths = column.value_lengths().to_numpy(zero_copy_only=False)
        if column.null_count:
            break
        if (lengths != lengths[0]).any():
            raise Refused(422, f"column {name} has lists of unequal lengths")
        column = column.flatten()
        if not len(column):
            raise Refused(422, f"column {name} has empty lists")
    if column.null_count:
        raise Refused(422, f"column {name} has nulls")
    values = float_array(column.to_numpy(zero_copy_only=False))
    return values.reshape(n, -1) if nested else values


def write_arrow(columns: Columns) -> bytes:
    """Return an answer as one record batch; scores keep their bits, NaN among them."""
    import pyarrow as pa

    batch = pa.record_batch({name: pa.array(values) for name, values in columns.items()})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue())
