# check: imports
# contract: layers
# at: services/people/planted.py
# says: services.people.planted -> activities
# says: services.people.planted -> workers.servers.ports
"""A use case that knows an activity and a process."""

import activities
import workers.servers.ports
