"""The sample cases of a first start, and the walkthrough of `tuixuan demo`."""
