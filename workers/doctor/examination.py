"""The whole examination, in the order in which it is shown."""

import sys

from workers.doctor.diagnosis import Diagnosis
from workers.doctor.folder import port_diagnoses, running_stack, state_folder
from workers.doctor.record import record_diagnoses
from workers.doctor.servers import nats, temporal
from workers.folder.report import read_report
from workers.logs.setup import app_version
from workers.settings.stack import StackSettings
from workers.settings.worker import WorkerSettings


def examine(settings: StackSettings) -> list[Diagnosis]:
    """Look at everything that the system depends on."""
    running = read_report(settings.places)
    worker = WorkerSettings.of(settings)
    return [
        Diagnosis("版本", ok=True, found=f"推选 {app_version()}，Python {sys.version.split()[0]}"),
        temporal(worker),
        nats(settings, worker),
        state_folder(settings.places, own_nats=settings.nats.url is None),
        running_stack(running),
        *port_diagnoses(settings, running),
        *record_diagnoses(worker),
        _mail(worker),
    ]


def _mail(worker: WorkerSettings) -> Diagnosis:
    mail = worker.mail
    if mail.host is not None:
        return Diagnosis("邮件", ok=True, found=f"经 {mail.host}:{mail.server_port} 发出")
    found = f"未设置邮件服务器，信件存于 {mail.folder}"
    return Diagnosis("邮件", ok=True, found=found, advice="如需发出，设置 TUIXUAN_MAIL__HOST")
