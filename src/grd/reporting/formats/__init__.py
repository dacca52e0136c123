"""The formats in which tables are written."""
