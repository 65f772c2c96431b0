"""The two servers that the embedded stack needs: found, built or fetched, and their commands."""
