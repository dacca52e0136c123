"""Runs, the paths of their files, and the project into which config/ unfolds."""
