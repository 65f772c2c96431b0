# check: imports
# at: services/planted.py
# says: services is not allowed to import workers
"""A use case that knows a process."""

import workers.servers.ports
