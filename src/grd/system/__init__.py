"""Files, locks, logs and devices: what the rest stands on. Nothing here decides a result."""
