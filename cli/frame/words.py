"""Words that several commands share."""

WHEN = "2024-05-12（全天）、2024-05-12T18:00、+3d（三天后）或 now"
"""The forms in which a time may be typed (`cli.frame.moments`)."""
SINCE = "2024-05-12（该日零时起）、2024-05-12T18:00 或 -3h（三小时前）"
"""The forms in which a past time may be typed, from which on something is meant."""
