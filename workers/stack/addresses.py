"""The addresses of a stack: for its workers, and for people."""

from collections.abc import Mapping

from workers.folder.report import Addresses
from workers.servers.nats import own_nats_url
from workers.servers.ports import LOOPBACK
from workers.settings.stack import StackSettings
from workers.settings.urls import mask_password
from workers.settings.worker import WorkerSettings


def settings_of_workers(settings: StackSettings, ports: Mapping[str, int]) -> WorkerSettings:
    """Return the settings of this stack's workers."""
    temporal = settings.temporal.address or f"{LOOPBACK}:{ports['temporal']}"
    nats = settings.nats.url or own_nats_url(ports["nats"])
    known = {
        "temporal": settings.temporal.model_copy(update={"address": temporal}),
        "nats": settings.nats.model_copy(update={"url": nats}),
        "portal": settings.portal.model_copy(update={"port": ports["portal"]}),
    }
    return WorkerSettings.of(settings.model_copy(update=known))


def variables(settings: WorkerSettings) -> dict[str, str]:
    """Return the same as variables of a worker's environment."""
    return {
        "TUIXUAN_STATE_DIR": str(settings.state_dir),
        "TUIXUAN_TEMPORAL__ADDRESS": settings.temporal_address,
        "TUIXUAN_TEMPORAL__NAMESPACE": settings.temporal_namespace,
        "TUIXUAN_NATS__URL": settings.nats_url,
        "TUIXUAN_DATABASE__URL": settings.database_url,
        "TUIXUAN_DATABASE__AUDIT_URL": settings.audit_database_url,
        "TUIXUAN_PORTAL__PORT": str(settings.portal.port),
    }


def shown_addresses(settings: WorkerSettings, ports: Mapping[str, int]) -> Addresses:
    """Return the addresses for people, without passwords."""
    ui = ports.get("temporal_ui")
    return Addresses(
        temporal=settings.temporal_address,
        temporal_ui=f"http://{LOOPBACK}:{ui}" if ui else None,
        nats=mask_password(settings.nats_url),
        database=mask_password(settings.database_url),
        audit=mask_password(settings.audit_database_url),
        portal=f"http://{LOOPBACK}:{ports['portal']}",
    )
