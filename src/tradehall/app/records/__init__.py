"""Records of the house that no command changes, a file for each kind."""
