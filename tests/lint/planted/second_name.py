# check: names
# at: workers/notify/notify_planted.py
# says: workers/notify/notify_planted.py: the name repeats the name of its folder
# says: class CaseService stands in services/cases/service.py and in workers/notify/notify_planted.py
"""A file that says its folder's name again, and a class that another file has."""


class CaseService:
    """Another thing of the same name."""
