"""The event by which somebody tries an endpoint: signed and sent as any other."""

import json
from datetime import datetime

from sqlalchemy import Engine, insert

from models import tables
from models.refusals import Refused
from models.store.engine import transaction
from models.webhooks.status import EndpointStatus
from services.clock import new_id
from services.webhooks.messages import Message, waiting_row
from services.webhooks.views import require_endpoint

TEST_TYPE = "org.tuixuan.webhook.test"


def send_test(engine: Engine, endpoint_id: str, at: datetime) -> str:
    """Queue a test event for an endpoint; return the delivery's id.

    Raises:
        Refused: `unknown_endpoint`, `endpoint_removed` or `endpoint_not_active`.
    """
    with transaction(engine) as connection:
        endpoint = require_endpoint(connection, endpoint_id)
        if endpoint.status != EndpointStatus.ACTIVE:
            raise Refused(
                "endpoint_not_active", f"回调 {endpoint_id} 未启用，请先 tuixuan webhook resume。"
            )
        row = waiting_row(endpoint_id, _test_message(endpoint.season_id, at), at)
        connection.execute(insert(tables.webhook_delivery), row)
    return str(row["id"])


def _test_message(season_id: str, at: datetime) -> Message:
    event_id = new_id("test")
    stamp = at.isoformat().replace("+00:00", "Z")
    event = {
        "specversion": "1.0",
        "id": event_id,
        "source": f"/tuixuan/call/{season_id}",
        "type": TEST_TYPE,
        "time": stamp,
        "timestamp": stamp,
        "datacontenttype": "application/json",
        "data": {"message": "测试事件，不涉及任何案例。 A test; it is about no case."},
    }
    body = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
    return Message(event_id, "test", None, 0, body)
