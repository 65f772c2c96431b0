"""iCalendar: entries attached to mails, and the feed of each user."""
