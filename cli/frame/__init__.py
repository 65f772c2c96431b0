"""What surrounds every command: options, output, error messages, exit codes."""
