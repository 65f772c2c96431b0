"""`tuixuan up` and `doctor`: the supervisor, its processes, their probes and checks."""
