"""Text as people type it: folded to be compared, and checked when it is entered."""
