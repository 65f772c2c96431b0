# check: imports
# contract: portal
# at: portal/calendars/planted.py
# says: portal.calendars.planted -> portal.app
"""A page that knows the application that serves it."""

import portal.app
