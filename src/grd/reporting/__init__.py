"""Scores → tables and figures, ours beside the published."""
