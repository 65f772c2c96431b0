"""Settings, one module a section: read from flags, the environment and a file, then checked."""
