"""What surrounds every command: options, output, errors, exit codes."""
