"""The event by which somebody tries an endpoint: signed and sent as any other."""

import json
from datetime import datetime
from typing import Any

from services.clock import new_id
from services.webhooks.messages import Message, waiting_row

TEST_TYPE = "org.tuixuan.webhook.test"


def delivery_of_test(endpoint_id: str, season_id: str, at: datetime) -> dict[str, Any]:
    """Return a row that waits to be sent to an endpoint."""
    number = new_id("test")
    stamp = at.isoformat().replace("+00:00", "Z")
    event = {
        "specversion": "1.0",
        "id": number,
        "source": f"/tuixuan/call/{season_id}",
        "type": TEST_TYPE,
        "time": stamp,
        "timestamp": stamp,
        "datacontenttype": "application/json",
        "data": {"message": "测试事件，不涉及任何案例。 A test; it is about no case."},
    }
    body = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
    return waiting_row(endpoint_id, Message(number, "test", None, 0, body), at)
