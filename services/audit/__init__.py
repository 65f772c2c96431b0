"""The audit: write audit entries, verify the chain, sign its digests, export the evidence."""
