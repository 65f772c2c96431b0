"""The worker that runs the workflows of the cases, and their sandbox."""
