"""Durable processes, one workflow a file. No I/O, no SQL, no clock of their own."""
