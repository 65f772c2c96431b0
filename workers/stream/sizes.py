"""How large the streams are: light to import, since the supervisor asks too."""

STREAM_SIZES = tuple(4 * 1024**3 >> n for n in range(7))
"""Bytes that the events may take, 4 GiB to 64 MiB: a new stream gets the largest that fits."""
MAX_ADVISORIES_BYTES = 64 * 1024**2


def largest_stream(room: int) -> int:
    """Return how large a new stream becomes on a server with so many bytes of room."""
    return next((size for size in STREAM_SIZES if size <= room), STREAM_SIZES[-1])
