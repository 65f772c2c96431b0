"""Compare record, workflows, stream and audit for each case, and repair forward."""
