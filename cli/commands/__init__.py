"""The commands, one module each: their options, the call to a service, what is printed."""
