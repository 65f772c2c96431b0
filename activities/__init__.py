"""What a workflow asks of the outside world: the record, above all."""
