"""The names of columns and keys in Chinese; in English a key is its own name."""

from cli.frame.language import Language

HEADINGS = {
    "action": "事项", "actor": "办理人", "after": "改为", "anchors": "锚点",
    "answer_head": "答复开头", "at": "时间", "attempts": "次数", "audit": "审计序号",
    "awaited": "待谁办理", "before": "原为", "body": "推荐单位", "case_id": "案例",
    "cases": "案例数", "category": "类别", "channel": "渠道", "channels": "渠道",
    "consumer": "消费者", "created_at": "生成于", "database": "数据库",
    "days_waiting": "停留天数", "deadline": "期限",
    "deliveries": "投递数", "delivery": "投递编号", "description": "说明",
    "differences": "不一致", "digest": "摘要", "digests": "签名摘要", "endpoint": "回调",
    "endpoint_id": "回调", "error": "错误", "event": "事件", "event_id": "事件编号",
    "events": "事件", "failed": "已搁置", "failing_since": "失败始于", "file": "文件",
    "filed": "已申报", "finished_at": "结束", "first_at": "首次", "from": "从", "hash": "哈希",
    "head": "链首", "history": "历史条数", "forms": "核对的申报表",
    "forms_changed": "被改动的申报表", "id": "编号", "kind": "种类", "label": "内容",
    "last_error": "最近的错误", "latency_ms": "毫秒", "masked": "已隐去", "message": "情况",
    "milestone": "日程节点", "missed": "未调整", "name": "名称", "next_attempt_at": "下次",
    "not_before": "暂停至", "note": "备注", "number": "案例编号", "object": "对象",
    "ok": "通过", "oldest_at": "最早", "oldest_seconds": "已等秒数", "opened_at": "开启于",
    "org": "单位", "overdue": "已逾期", "owner_org": "单位", "owner_role": "属于",
    "pid": "进程号", "published_at": "发布于", "python": "Python", "rate": "每秒最多",
    "ready": "就绪", "reason": "理由", "reopened": "恢复办理", "recipient": "收件人",
    "record": "记录版本",
    "recorded_at": "记录于", "records": "审计条数", "removed": "已移除", "removed_at": "移除于",
    "repaired": "已修复", "resolved_at": "处理于", "resolved_by": "处理人",
    "return_rounds": "退回次数", "revision": "申报表版本", "role": "角色", "saved_at": "保存于",
    "season": "征集季", "season_id": "征集季", "seconds_per_day": "一天的秒数",
    "secret": "密钥", "seq": "序号", "since": "进入时间", "skeletons": "其他征集季条数",
    "started_at": "开始", "state": "状态", "status": "状态", "status_code": "答复",
    "stream_seq": "事件流序号", "subject": "主题", "text": "内容", "title": "名称", "to": "到",
    "unit": "申报单位", "until": "截止至", "url": "地址", "user": "用户", "version": "软件",
    "waiting": "等待", "why": "原因", "year": "年份", "temporal": "Temporal",
    "temporal_ui": "Temporal 网页", "nats": "NATS",
    "portal": "门户",
}  # fmt: skip
"""Key of the data → heading. A command that shows it otherwise says so in its columns."""


def heading(key: str, language: Language, chosen: str | None = None) -> str:
    """Return what a column is called.

    Args:
        key: The key of its data.
        language: In which language.
        chosen: What the command calls it in Chinese, where not as usual.
    """
    if language is Language.EN:
        return key.replace("_", " ")
    return chosen if chosen is not None else HEADINGS.get(key, key)
