# check: imports
# contract: services
# at: services/seasons/planted.py
# says: services.seasons.planted -> services.cases.service
# says: services.seasons.planted -> services.notifications.inbox
"""A room that knows one above and one beside it."""

import services.cases.service
import services.notifications.inbox
