"""Texts that the help of several commands shares."""

CASE = "案例编号（如 2024-fujian-0012）、编号或其开头"
"""How a case may be named (`services.cases.lookup`)."""
WHEN = "2024-05-12（全天）、2024-05-12T18:00、+3d（三天后）或 now"
"""How a deadline may be typed (`cli.frame.moments`)."""
SINCE = "2024-05-12（该日零时起）、2024-05-12T18:00、yesterday（昨日零时起）或 -3h（三小时前）"
"""How the beginning of a span in the past may be typed."""
