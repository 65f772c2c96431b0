"""`tuixuan up`: the supervisor, its processes and their probes."""
