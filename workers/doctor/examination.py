"""The whole examination, in the order in which it is shown."""

import sys

from workers.doctor.finding import Finding
from workers.doctor.folder import port_findings, running_stack, state_folder
from workers.doctor.record import record_findings
from workers.doctor.servers import nats, temporal
from workers.folder.report import read_report
from workers.logs.setup import app_version
from workers.settings.stack import StackSettings
from workers.settings.worker import WorkerSettings


def examine(settings: StackSettings) -> list[Finding]:
    """Look at everything that the system depends on."""
    running = read_report(settings.places)
    told = WorkerSettings.of(settings)
    return [
        Finding("版本", ok=True, found=f"推选 {app_version()}，Python {sys.version.split()[0]}"),
        temporal(told),
        nats(settings, told),
        state_folder(settings.places),
        running_stack(running),
        *port_findings(settings, running),
        *record_findings(told),
        _mail(told),
    ]


def _mail(told: WorkerSettings) -> Finding:
    mail = told.mail
    if mail.host is not None:
        return Finding("邮件", ok=True, found=f"经 {mail.host}:{mail.server_port} 发出")
    found = f"未设置邮件服务器，信件存于 {mail.folder}"
    return Finding("邮件", ok=True, found=found, advice="如需发出，设置 TUIXUAN_MAIL__HOST")
