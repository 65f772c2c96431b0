"""A programme (a call as data): its form, dates, categories, quotas and rules."""
