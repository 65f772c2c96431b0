"""The `tuixuan` command."""
