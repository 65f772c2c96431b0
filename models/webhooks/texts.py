"""What the owner of a webhook endpoint reads when it was disabled, and why it was."""

from datetime import datetime

from models.notifications.texts import MARK, NotificationText

GONE = "接收方答复 410"
REMOVED_BY_OWNER = "已移除"


def failing_since(at: datetime) -> str:
    """Return the reason of an endpoint that has accepted nothing since an instant."""
    return f"自 {at:%Y-%m-%d %H:%M} UTC 起持续失败"


def endpoint_disabled(name: str, endpoint_id: str, why: str) -> NotificationText:
    """Return what the owner reads. `name`: its description, or its address."""
    text = (
        f"回调“{name}”（{endpoint_id}）已停用：{why}。\n"
        "未送达的消息仍保留。修复后请启用回调：tuixuan webhook resume。\n"
    )
    return NotificationText(f"回调“{name}”已停用{MARK}", text)
