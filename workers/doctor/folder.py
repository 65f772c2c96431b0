"""The state folder, the stack that runs in it, and the ports that it would take."""

import os
from collections.abc import Iterator

from workers.doctor.diagnosis import Diagnosis
from workers.folder.places import Places
from workers.folder.privacy import open_folder
from workers.folder.report import StackReport
from workers.folder.room import LEAST_ROOM, MIB, free_bytes, needed_in_words, room_for_events
from workers.servers.ports import port_is_free
from workers.settings.stack import StackSettings
from workers.stack.ports import PORTS
from workers.stream.sizes import largest_stream


def state_folder(places: Places, *, own_nats: bool = True) -> Diagnosis:
    """Look whether the folder can be written and has room.

    Args:
        places: The folder.
        own_nats: The events lie there, too.
    """
    name = "状态目录"
    there = next(path for path in (places.root, *places.root.parents) if path.exists())
    if not os.access(there, os.W_OK | os.X_OK) or not there.is_dir():
        advice = "更改目录权限，或用 --state-dir 另选目录"
        return Diagnosis(name, ok=False, found=f"{there} 不可写", advice=advice)
    free = free_bytes(places)
    found = f"{places.root}，剩余空间 {free / (1 << 30):.1f} GB，{needed_in_words()}"
    if own_nats and not any(places.nats_store.glob("*")):
        most = largest_stream(room_for_events(places))
        found += f"；首次启动时事件流上限定为 {most // MIB} MB"
    if (seen := open_folder(places)) is not None:
        found += f"；权限为 {seen.mode:04o}，本机其他账户可以进入"
        return Diagnosis(name, ok=False, found=found, advice=f"chmod 700 {places.root}")
    if free < LEAST_ROOM:
        return Diagnosis(name, ok=False, found=found, advice="清理磁盘，或用 --state-dir 另选目录")
    return Diagnosis(name, ok=True, found=found)


def running_stack(running: StackReport) -> Diagnosis:
    """Look whether a stack runs, and whether all its processes are ready."""
    name = "系统"
    if running["pid"] is None:
        return Diagnosis(name, ok=True, found="未运行", advice="tuixuan up")
    unready = [process["name"] for process in running["processes"] if not process["ready"]]
    if unready:
        advice = f"日志见 {running['state_dir']}/log"
        return Diagnosis(name, ok=False, found=f"未就绪：{'、'.join(unready)}", advice=advice)
    return Diagnosis(name, ok=running["ready"], found=f"运行中，进程号 {running['pid']}")


def port_diagnoses(settings: StackSettings, running: StackReport) -> Iterator[Diagnosis]:
    """Look for ports that are in use; those of a running stack are in use by itself."""
    if running["pid"] is not None:
        return
    for name, known in PORTS.items():
        port = known.asked(settings)
        if port is not None and not port_is_free(port):
            found = f"指定的 {port} 已被占用"
            advice = "换一个端口，或不指定以自动选择"
            yield Diagnosis(f"端口 {name}", ok=False, found=found, advice=advice)
        elif port is None and not port_is_free(known.usual):
            found = f"{known.usual} 已被占用，启动时另选空闲端口"
            yield Diagnosis(f"端口 {name}", ok=True, found=found)
