"""Runs, hours, memory and disk space of a target, before it is run."""
