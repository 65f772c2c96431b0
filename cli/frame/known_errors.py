"""What known errors mean to a person, by name: to import all their classes would take seconds."""

# ruff: noqa: ANN401 - the classes of these errors are not imported here

from collections.abc import Callable, Mapping
from typing import Any

from cli.frame.exits import CommandError, Exit

UP = "请执行 tuixuan status 查看，或 tuixuan up 启动系统。"

FILE_TROUBLES = {
    "FileNotFoundError": "文件不存在",
    "PermissionError": "没有权限读写",
    "IsADirectoryError": "这是一个目录",
    "NotADirectoryError": "路径中有一段不是目录",
}

Explain = Callable[[Any], CommandError | None]


def explain_known(error: BaseException) -> CommandError | None:
    """Return what an error of ours or of a library means, or None if it is not known."""
    for kind in type(error).__mro__:
        explained = EXPLAINED.get(f"{kind.__module__}.{kind.__qualname__}")
        if explained is not None:
            return explained(error)
    return None


def _unavailable(error: Any) -> CommandError:
    later = error.retry and not error.code.endswith("_unavailable")
    return CommandError(error.code, error.message, Exit.TRY_AGAIN if later else Exit.UNAVAILABLE)


def _folder_in_use(error: Any) -> CommandError:
    words = (
        f"状态目录 {error.root} 中已有系统在运行（进程号 {error.pid}）。"
        "可执行 tuixuan down 停止它，或用 --state-dir 另选目录。"
    )
    return CommandError("stack_running", words, Exit.FAILED)


def _no_room(error: Any) -> CommandError:
    from workers.folder.room import MIB, needed_in_words

    words = (
        f"状态目录 {error.root} 所在磁盘只剩 {error.free // MIB} MB，首次启动{needed_in_words()}。"
        "请清理磁盘，或用 --state-dir 另选目录。"
    )
    return CommandError("no_room", words, Exit.UNAVAILABLE)


def _folder_open(error: Any) -> CommandError:
    words = (
        f"状态目录 {error.path} 的权限为 {error.mode:04o}，本机其他账户可以进入，"
        "而其中有个人信息与密钥。"
        f"请执行 chmod 700 {error.path}，或用 --state-dir 另选目录；"
        "确需共用的，设置 TUIXUAN_OPEN_FOLDER=true。"
    )
    return CommandError("folder_open", words, Exit.CONFIG)


def _no_room_for_stream(error: Any) -> CommandError:
    from workers.stream.sizes import STREAM_SIZES

    words = (
        f"NATS 服务器没有空间建立事件流 {error.stream}（至少需要 {STREAM_SIZES[-1] >> 20} MB）。"
        f"服务器答复：{error.said}（10047）。请清理其磁盘或调高 max_file_store，再重新启动。"
    )
    return CommandError("no_room_for_stream", words, Exit.UNAVAILABLE)


def _port_in_use(error: Any) -> CommandError:
    from workers.stack.ports import PORTS

    port = PORTS[error.name]
    words = (
        f"指定给 {error.name} 的端口 {error.port} 已被占用。"
        f"请用 {port.option}（或 {port.variable}）换一个端口，或去掉它以自动选择。"
    )
    return CommandError("port_taken", words, Exit.UNAVAILABLE)


def _servers_unavailable(error: Any) -> CommandError:
    words = "尚不能启动，外部服务还缺："
    for lack in error.lacks:
        words += f"\n  {lack.variable} 指定的 {lack.address}：{lack.why}。办法：{lack.remedy}。"
    return CommandError("server_unavailable", words, Exit.UNAVAILABLE)


def _start_failed(error: Any) -> CommandError:
    said = "".join(f"\n  {line}" for line in error.last_lines)
    words = f"{error.name} 未能启动：{error.why}。{f'最后的输出：{said}' if said else ''}"
    return CommandError("start_failed", words, Exit.UNAVAILABLE)


def _detach_failed(error: Any) -> CommandError:
    if error.reason:
        words = f"后台系统未能启动：{error.reason}\n完整日志见 {error.log}。"
    else:
        said = "".join(f"\n  {line}" for line in error.last_lines)
        words = f"后台系统未能启动，完整日志见 {error.log}。最后的输出：{said}"
    return CommandError(
        "start_failed", words, error.exit_code if error.exit_code > 0 else Exit.FAILED
    )


def _still_running(error: Any) -> CommandError:
    words = f"系统（进程号 {error.pid}）尚未停止，请稍后再试。"
    return CommandError("still_running", words, Exit.TRY_AGAIN)


def _wrong_settings(error: Any) -> CommandError:
    return CommandError("settings_wrong", str(error), Exit.CONFIG)


def _not_running(error: Any) -> CommandError:
    return CommandError("stack_not_running", str(error), Exit.UNAVAILABLE)


def _server_missing(error: Any) -> CommandError:
    return CommandError("server_missing", str(error), Exit.UNAVAILABLE)


def _rpc(error: Any) -> CommandError:
    status = error.status.name
    if status == "UNAVAILABLE":
        return CommandError("temporal_unavailable", f"Temporal 没有应答。{UP}", Exit.UNAVAILABLE)
    if status in ("DEADLINE_EXCEEDED", "CANCELLED", "RESOURCE_EXHAUSTED"):
        return CommandError("no_answer_yet", "Temporal 暂时没有应答，请稍后再试。", Exit.TRY_AGAIN)
    return CommandError("temporal_error", f"Temporal 拒绝了请求：{error.message}", Exit.FAILED)


def _runtime(error: RuntimeError) -> CommandError | None:
    if str(error).startswith("Failed client connect"):  # what Temporal's SDK raises
        return CommandError("temporal_unavailable", f"连接不上 Temporal。{UP}", Exit.UNAVAILABLE)
    return None


def _update_lost(_error: Any) -> CommandError:
    return CommandError("no_answer_yet", "暂时没有得到答复，请稍后再试。", Exit.TRY_AGAIN)


def _nats(error: Any) -> CommandError:
    said = getattr(error, "description", None)
    if said:  # it answered, in its own words
        words = f"NATS 拒绝了请求：{said}（{error.err_code}）。{UP}"
    else:
        words = f"NATS 不可用（{type(error).__name__}）。{UP}"
    return CommandError("nats_unavailable", words, Exit.UNAVAILABLE)


def _sql(error: Any) -> CommandError:
    cause = str(error.orig).splitlines()[0] if str(error.orig) else type(error).__name__
    if "no such table" in cause or "does not exist" in cause:
        words = "数据库尚未建立或版本太旧。请执行 tuixuan up 或 tuixuan db upgrade。"
        return CommandError("database_not_ready", words, Exit.UNAVAILABLE)
    if any(word in cause for word in ("locked", "deadlock detected", "lock timeout")):
        words = "数据库正忙：另一操作长时间占用，等待后仍未轮到。未作任何改动，请稍后再试。"
        return CommandError("database_busy", words, Exit.TRY_AGAIN)
    words = f"数据库不可用：{cause}。请检查 DATABASE_URL 或状态目录。"
    return CommandError("database_unavailable", words, Exit.UNAVAILABLE)


def _file(error: OSError) -> CommandError:
    why = FILE_TROUBLES.get(type(error).__name__, error.strerror)
    words = f"{why}：{error.filename}" if error.filename else str(error)
    return CommandError("file_error", words, Exit.FAILED)


def _not_text(_error: UnicodeError) -> CommandError:
    return CommandError("not_text", "参数或文件不是 UTF-8 文本。", Exit.FAILED)


def _connection(_error: OSError) -> CommandError:
    return CommandError("unavailable", f"连接不上服务。{UP}", Exit.UNAVAILABLE)


EXPLAINED: Mapping[str, Explain] = {
    "services.unavailable.Unavailable": _unavailable,
    "workers.settings.environment.SettingsWrong": _wrong_settings,
    "workers.settings.worker.NotRunning": _not_running,
    "workers.servers.found.ServerMissing": _server_missing,
    "workers.stack.child.StartFailed": _start_failed,
    "workers.stack.detach.DetachFailed": _detach_failed,
    "workers.stack.detach.StillRunning": _still_running,
    "workers.folder.lock.FolderInUse": _folder_in_use,
    "workers.stack.ports.PortInUse": _port_in_use,
    "workers.stack.external.ServersUnavailable": _servers_unavailable,
    "temporalio.service.RPCError": _rpc,
    "temporalio.client._exceptions.WorkflowUpdateRPCTimeoutOrCancelledError": _update_lost,
    "workers.stream.jetstream.NoRoomForStream": _no_room_for_stream,
    "workers.folder.room.NoRoom": _no_room,
    "workers.folder.privacy.FolderOpen": _folder_open,
    "nats.errors.Error": _nats,
    "sqlalchemy.exc.OperationalError": _sql,
    "sqlalchemy.exc.ProgrammingError": _sql,
    "sqlalchemy.exc.InterfaceError": _sql,
    "builtins.RuntimeError": _runtime,
    "builtins.ConnectionError": _connection,
    "builtins.OSError": _file,
    "builtins.UnicodeError": _not_text,
    "builtins.TimeoutError": _update_lost,
}
"""Explains errors by the name of their class, or of its nearest base class."""
