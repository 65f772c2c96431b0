"""Texts that the help of several commands shares."""

WHEN = "2024-05-12（全天）、2024-05-12T18:00、+3d（三天后）或 now"
"""How a deadline may be typed (`cli.frame.moments`)."""
SINCE = "2024-05-12（该日零时起）、2024-05-12T18:00 或 -3h（三小时前）"
"""How the beginning of a span in the past may be typed."""
