"""Standard streams as every command finds them: open, and able to write any character."""

import contextlib
import io
import os
import sys

from cli.frame.exits import Exit


def prepare_streams() -> None:
    """Open the standard streams that the caller closed (`>&-`), and let no character fail.

    A number that stays closed would be given to the next file that is opened, and what is
    written to stdout would go into that.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False)
    if sys.stdin is None:
        sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal of GBK has no 𠮷 and no 😀
            stream.reconfigure(errors="backslashreplace")


def flush_stdout(code: int) -> int:
    """Flush stdout and return the exit code.

    A reader that has gone (`| head`) is no error; a disk that is full is one.
    """
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _write_nowhere()
    except OSError as error:
        _write_nowhere()
        print(f"结果没有写完：{error.strerror}（output_failed）", file=sys.stderr)
        return code or Exit.FAILED
    return code


def _write_nowhere() -> None:
    """Point stdout at the null device, so that the interpreter's flush at exit cannot fail."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
