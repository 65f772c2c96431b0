"""Where everything in a stack answers: as workers are told, and as people are shown."""

from collections.abc import Mapping

from workers.folder.report import Addresses
from workers.servers.ports import LOOPBACK
from workers.settings.stack import StackSettings
from workers.settings.urls import mask_password
from workers.settings.worker import WorkerSettings


def settings_of_workers(settings: StackSettings, ports: Mapping[str, int]) -> WorkerSettings:
    """Return the settings of this stack's workers."""
    temporal = settings.temporal.address or f"{LOOPBACK}:{ports['temporal']}"
    nats = settings.nats.url or f"nats://{LOOPBACK}:{ports['nats']}"
    told = {
        "temporal": settings.temporal.model_copy(update={"address": temporal}),
        "nats": settings.nats.model_copy(update={"url": nats}),
        "portal": settings.portal.model_copy(update={"port": ports["portal"]}),
    }
    return WorkerSettings.of(settings.model_copy(update=told))


def variables(told: WorkerSettings) -> dict[str, str]:
    """Return the environment that tells a worker the same."""
    return {
        "TUIXUAN_STATE_DIR": str(told.state_dir),
        "TUIXUAN_TEMPORAL__ADDRESS": told.temporal_address,
        "TUIXUAN_TEMPORAL__NAMESPACE": told.temporal_namespace,
        "TUIXUAN_NATS__URL": told.nats_url,
        "TUIXUAN_DATABASE__URL": told.database_url,
        "TUIXUAN_DATABASE__AUDIT_URL": told.audit_database_url,
        "TUIXUAN_PORTAL__PORT": str(told.portal.port),
    }


def shown_addresses(told: WorkerSettings, ports: Mapping[str, int]) -> Addresses:
    """Return the addresses for people, without passwords."""
    ui, monitor = ports.get("temporal_ui"), ports.get("nats_monitor")
    return Addresses(
        temporal=told.temporal_address,
        temporal_ui=f"http://{LOOPBACK}:{ui}" if ui else None,
        nats=mask_password(told.nats_url),
        nats_monitor=f"http://{LOOPBACK}:{monitor}" if monitor else None,
        database=mask_password(told.database_url),
        audit=mask_password(told.audit_database_url),
        portal=f"http://{LOOPBACK}:{ports['portal']}",
    )
