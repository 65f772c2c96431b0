"""The command `tuixuan`: read arguments, call a service, print the answer."""
