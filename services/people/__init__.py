"""Users: who they are and for whom they act."""
