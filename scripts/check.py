"""Run the checks of `make check` in the current folder: all of them, or the named ones.

    python scripts/check.py [NAME ...] [-- ARGUMENT ...]

Arguments after `--` go to each tool. Every tool runs, so that one call shows every finding.
The exit code is 3 if any of them found something.
"""

import subprocess
import sys
import time
from pathlib import Path

TOOLS = {
    "format": ["ruff", "format", "--check"],
    "lint": ["ruff", "check"],
    "types": ["mypy"],
    "imports": ["lint-imports", "--no-logo"],
    "dead-code": ["python", "scripts/dead_code.py"],
    "sizes": ["python", "scripts/sizes.py"],
    "names": ["python", "scripts/names.py"],
    "dependencies": ["deptry", "--no-ansi", "."],
}


def run(name: str, extra: list[str]) -> bool:
    """Run one tool, show what it found, and return whether it found nothing."""
    tool, *arguments = TOOLS[name]
    started = time.monotonic()
    command = [str(Path(sys.executable).parent / tool), *arguments, *extra]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    clean = done.returncode == 0
    print(f"{'ok  ' if clean else 'FAIL'} {name} ({time.monotonic() - started:.1f} s)", flush=True)
    if not clean:
        print(done.stdout.decode(), flush=True)
    return clean


def main(arguments: list[str]) -> int:
    """Run the named checks, or all of them; return the exit code."""
    cut = arguments.index("--") if "--" in arguments else len(arguments)
    names, extra = arguments[:cut] or list(TOOLS), arguments[cut + 1 :]
    unknown = set(names) - set(TOOLS)
    if unknown:
        print(f"no such check: {', '.join(sorted(unknown))}; known: {', '.join(TOOLS)}")
        return 2
    clean = [run(name, extra) for name in names]
    return 0 if all(clean) else 3


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
