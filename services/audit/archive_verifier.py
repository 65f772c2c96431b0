"""Verify an archive of `tuixuan audit export` with nothing but Python 3.9, without any server.

The export carries this file as `verify.py`; unpack the archive and run it there:

    python3 verify.py [FOLDER] [--key ID]

It exits with 0 when all is as it was written, with 3 when not, naming each problem, and with 2
when it was called in a wrong way. Whoever holds the signing key could make everything in an
archive anew, and nobody else: compare the id of the first key with what the organiser made
public, or name it by `--key`.

It ships as one file and imports nothing of ours, so it has its own copy of what
`models.audit` does; a test holds both equal.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from typing import Any

GENESIS = "sha256:" + "0" * 64
FILES = ("anchors.jsonl", "audit.jsonl", "digests.jsonl", "history.jsonl")
FOUND = 3
WRONG_USAGE = 2
USAGE = "用法 usage: python3 verify.py [FOLDER] [--key ID]"

Problem = tuple[str, str, str]
"""Kind (stable English), where, and a sentence for people."""

Line = dict[str, Any]

_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, _P - 2, _P) % _P
_I = pow(2, (_P - 1) // 4, _P)

_Point = tuple[int, int, int, int]


def digest(value: object) -> str:
    """Return `sha256:<hex>` of the canonical JSON of `value`."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return digest_bytes(text.encode())


def digest_bytes(data: bytes) -> str:
    """Return `sha256:<hex>` of bytes."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def signed_bytes(line: Line) -> bytes:
    """Return what the signature of a line is over: everything but the signature."""
    bare = {name: value for name, value in line.items() if name != "signature"}
    return json.dumps(bare, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def key_id(public: bytes) -> str:
    """Return the id of a public key: the first half of its SHA-256."""
    return "ed25519:" + hashlib.sha256(public).hexdigest()[:32]


def ed25519_ok(public: bytes, message: bytes, signature: bytes) -> bool:
    """Return whether an Ed25519 signature holds, by RFC 8032, section 5.1.7."""
    if len(public) != 32 or len(signature) != 64:  # noqa: PLR2004 - the sizes of Ed25519
        return False
    key, commitment = _point(public), _point(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if key is None or commitment is None or scalar >= _L:
        return False
    hashed = hashlib.sha512(signature[:32] + public + message).digest()
    challenge = int.from_bytes(hashed, "little") % _L
    left = _times(scalar, _BASE)
    right = _plus(commitment, _times(challenge, key))
    return _same(left, right)


def _plus(one: _Point, two: _Point) -> _Point:
    a = (one[1] - one[0]) * (two[1] - two[0]) % _P
    b = (one[1] + one[0]) * (two[1] + two[0]) % _P
    c, d = 2 * one[3] * two[3] * _D % _P, 2 * one[2] * two[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(scalar: int, point: _Point) -> _Point:
    total: _Point = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            total = _plus(total, point)
        point, scalar = _plus(point, point), scalar >> 1
    return total


def _same(one: _Point, two: _Point) -> bool:
    return (one[0] * two[2] - two[0] * one[2]) % _P == 0 and (
        one[1] * two[2] - two[1] * one[2]
    ) % _P == 0


def _point(data: bytes) -> _Point | None:
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number & (2**255 - 1)
    if y >= _P:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, _P - 2, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _I % _P
    if (x * x - square) % _P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = _P - x
    return x, y, 1, x * y % _P


_BASE = _point((4 * pow(5, _P - 2, _P) % _P).to_bytes(32, "little")) or (0, 1, 1, 0)


def check_chain(lines: Iterable[Line]) -> Iterator[Problem]:
    """Check each line of the audit against its hash, the line before it, and its case's."""
    n, previous, cases = 0, GENESIS, dict[str, str]()
    first: str | None = GENESIS
    for line in lines:
        bound, where = line["bound"], f"audit:{line['bound']['n']}"
        if bound["n"] != n + 1:
            yield "missing", where, f"审计记录缺少第 {n + 1} 至 {bound['n'] - 1} 条"
            cases, first = {}, None  # nobody knows of which cases the lost lines were
        elif line["previous_hash"] != previous:
            yield "changed", where, f"审计记录第 {bound['n']} 条与上一条不衔接"
        if digest({"previous": line["previous_hash"], "record": bound}) != line["hash"]:
            yield "changed", where, f"审计记录第 {bound['n']} 条的内容与其哈希不符"
        if "body" in line and digest_bytes(line["body"].encode()) != bound["body"]:
            yield "changed", where, f"审计记录第 {bound['n']} 条的正文与其摘要不符"
        case = bound["case_id"]
        expected = cases.get(case, first)
        if expected not in (None, bound.get("case_previous_hash", expected)):
            yield "changed", where, f"审计记录第 {bound['n']} 条与该案例的上一条不衔接"
        n, previous = bound["n"], line["hash"]
        if case is not None:
            cases[case] = line["hash"]


def check_anchors(anchors: Iterable[Line], hashes: dict[int, str]) -> Iterator[Problem]:
    """Hold the audit against the anchors that were written with it."""
    last = max(hashes, default=0)
    for anchor in anchors:
        n = anchor["n"]
        if n > last:
            yield "cut_tail", f"anchor:{n}", f"锚点已到第 {n} 条，审计记录止于第 {last} 条"
        elif hashes.get(n, anchor["hash"]) != anchor["hash"]:
            yield "rewritten", f"anchor:{n}", f"审计记录第 {n} 条的哈希与当时的锚点不同"


def check_digests(lines: Iterable[Line], hashes: dict[int, str]) -> Iterator[Problem]:
    """Check signatures, the chain of the digests, and the audit against them.

    Args:
        lines: The lines of the file in their order.
        hashes: The hash of each line of the audit.
    """
    previous, covered, last = GENESIS, 0, max(hashes, default=0)
    key: bytes | None = None
    for place, line in enumerate(lines, start=1):
        where = f"digest:{line.get('day', place)}"
        try:
            signature = bytes.fromhex(line["signature"])
            new = bytes.fromhex(line["public_key"]) if line["kind"] == "key" else None
            key = key or new
            good = (
                key is not None
                and line["key"] == key_id(key)
                and ed25519_ok(key, signed_bytes(line), signature)
            )
            if line["previous"] != previous:
                yield "rewritten", where, f"每日摘要第 {place} 行与上一行不衔接"
            if not good:
                yield "rewritten", where, f"每日摘要第 {place} 行的签名不符"
            if new is not None:
                key = new
            else:
                yield from _digest_fits(line, where, (hashes, covered, last))
                covered = line["n"]
        except (KeyError, TypeError, ValueError):
            yield "digest_unreadable", where, f"每日摘要第 {place} 行无法读取"
        previous = digest(line)


def _digest_fits(
    line: Line, where: str, audit: tuple[dict[int, str], int, int]
) -> Iterator[Problem]:
    hashes, covered, last = audit
    n = line["n"]
    if n > last:
        yield "cut_tail", where, f"签名摘要已到第 {n} 条，审计记录止于第 {last} 条：末尾被截去"
    elif n and hashes.get(n, line["head"]) != line["head"]:
        yield "rewritten", where, f"审计记录第 {n} 条的哈希与签名摘要不同：审计链被重写"
    if line["count"] != n - covered:
        yield "rewritten", where, "签名摘要的条数与其范围不符"


def _announced(
    audit: Iterable[Line],
) -> Generator[Problem, None, dict[tuple[str, int], tuple[str, str]]]:
    """Return the hash of each step and the digest of its event, as the audit saw them.

    Cases with texts taken away are named.
    """
    announced, bare = dict[tuple[str, int], tuple[str, str]](), dict[str, int]()
    for line in audit:
        if line["bound"].get("kind", "event") != "event":
            continue
        if "body" in line:
            event = json.loads(line["body"])
            line_hash = event["data"].pop("record_hash")
            announced[event["data"]["case_id"], event["data"]["seq"]] = line_hash, digest(event)
        else:  # another season's, and so are all of its case
            bare.setdefault(line["bound"]["case_id"], line["bound"]["n"])
    for case in sorted({case for case, _ in announced} & set(bare)):
        n = bare[case]
        yield "changed", f"audit:{n}", f"审计记录第 {n} 条的正文被取走，同一案例的其他记录有正文"
    return announced


def check_history(history: Iterable[Line], audit: Iterable[Line]) -> Iterator[Problem]:
    """Check the histories of cases, and that the audit saw every line of them."""
    announced = yield from _announced(audit)
    seen, heads = set(), dict[str, tuple[int, str]]()
    for line in history:
        case, seq = line["bound"]["case_id"], line["bound"]["seq"]
        where, (before, previous) = f"{case}:{seq}", heads.get(case, (0, GENESIS))
        if seq != before + 1:
            yield "missing", where, f"办理记录缺少第 {before + 1} 至 {seq - 1} 步"
        elif line["previous_hash"] != previous:
            yield "changed", where, "办理记录与上一步的哈希不衔接"
        if digest({"previous": line["previous_hash"], "record": line["bound"]}) != line["hash"]:
            yield "changed", where, "办理记录的内容与其哈希不符"
        if (case, seq) not in announced:
            yield "not_audited", where, "办理记录有此步，审计没有见过：审计被删减，或这一步是伪造的"
        elif announced[case, seq][0] != line["hash"]:
            yield "differs", where, "办理记录与审计所见不同"
        elif line["bound"].get("event_digest", announced[case, seq][1]) != announced[case, seq][1]:
            yield "differs", where, "审计所见的事件内容与办理记录不符"
        heads[case] = (seq, line["hash"])
        seen.add((case, seq))
    for case, seq in sorted(set(announced) - seen):
        yield "not_in_record", f"{case}:{seq}", "审计有此事件，办理记录中没有"


def inspect(folder: Path, expected_key: str | None = None) -> Iterator[Problem]:
    """Check an unpacked archive.

    Args:
        folder: Where it was unpacked.
        expected_key: The id that the first signing key must have; None: any.
    """
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    yield from _check_files(folder, manifest["files"])
    audit = yield from _lines(folder, "audit.jsonl")
    history = yield from _lines(folder, "history.jsonl")
    anchors = yield from _lines(folder, "anchors.jsonl")
    digests = yield from _lines(folder, "digests.jsonl")
    hashes = {line["bound"]["n"]: line["hash"] for line in audit}
    yield from check_chain(audit)
    yield from _check_head(manifest["head"], hashes)
    yield from check_anchors(anchors, hashes)
    yield from check_digests(digests, hashes)
    yield from check_history(history, audit)
    for found in manifest.get("forms", {}).get("problems", []):
        yield found["kind"], found["where"], found["message"]
    first = digests[0].get("key") if digests else None
    if expected_key not in (None, first):
        yield "wrong_key", "digests", f"签名密钥为 {first}，应为 {expected_key}"


def _check_files(folder: Path, listed: dict[str, Line]) -> Iterator[Problem]:
    for name in sorted(set(FILES) - set(listed)):
        yield "missing", "manifest", f"清单中没有 {name}"
    for name, promised in sorted(listed.items()):
        path = folder / name
        if not path.is_file():
            yield "missing", f"file:{name}", f"缺少文件 {name}"
        elif digest_bytes(path.read_bytes()) != promised["sha256"]:
            yield "changed", f"file:{name}", f"文件 {name} 与清单中的摘要不符"


def _check_head(head: Line, hashes: dict[int, str]) -> Iterator[Problem]:
    last = max(hashes, default=0)
    if head["n"] > last:
        yield "cut_tail", "manifest", f"清单所记为 {head['n']} 条，审计记录止于第 {last} 条"
    elif hashes.get(head["n"], GENESIS) != head["hash"]:
        yield "rewritten", "manifest", "审计记录的末条与清单所记不同"


def _lines(folder: Path, name: str) -> Generator[Problem, None, list[Line]]:
    """Read a file of JSON Lines; yield a problem for each line that is none."""
    found: list[Line] = []
    path = folder / name
    text = path.read_bytes().decode("utf-8", "replace") if path.is_file() else ""
    for number, row in enumerate(text.split("\n")[:-1], start=1):
        try:
            found.append(json.loads(row))
        except ValueError:
            yield "changed", f"{name}:{number}", f"{name} 第 {number} 行无法读取"
    return found


class UsageError(Exception):
    """The script was called in a wrong way; the message says how."""


def read_arguments(arguments: list[str]) -> tuple[Path, str | None]:
    """Return the folder to check, and the expected id of the first key.

    Raises:
        UsageError: An option is unknown, incomplete or repeated, or there is no such folder.
    """
    folders, keys = list[str](), list[str]()
    rest = iter(arguments)
    for argument in rest:
        name, equals, value = argument.partition("=")
        if name == "--key":
            keys.append(value if equals else next(rest, ""))
        elif argument.startswith("-"):
            raise UsageError(f"没有选项 {argument}。")
        else:
            folders.append(argument)
    if len(keys) > 1 or len(folders) > 1:
        raise UsageError("--key 和文件夹都只能给出一个。")
    if any(not key or key.startswith("-") for key in keys):
        raise UsageError("--key 之后应写公钥编号，如 --key ed25519:0123456789abcdef。")
    folder = Path(folders[0]) if folders else Path(__file__).resolve().parent
    if not folder.is_dir():
        raise UsageError(f"没有文件夹 {folder}。")
    return folder, keys[0] if keys else None


def main(arguments: list[str]) -> int:
    """Check the archive, say what was found, and return the exit code."""
    if arguments in (["-h"], ["--help"]):
        sys.stdout.write(f"{USAGE}\n")
        return 0
    try:
        folder, expected = read_arguments(arguments)
    except UsageError as error:
        sys.stderr.write(f"{error}\n{USAGE}\n")
        return WRONG_USAGE
    try:
        problems = list(inspect(folder, expected))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        problems = [("unreadable", str(folder), f"无法读取：{type(error).__name__}: {error}")]
    for problem in problems:
        sys.stdout.write("  ".join(problem) + "\n")
    sys.stdout.write(f"{len(problems)} problems 处问题\n" if problems else "ok 核验无误\n")
    return FOUND if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
