"""The domain: pure values and rules; no I/O, no clock, no generated ids."""
