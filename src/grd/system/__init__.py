"""Files, locks, logs and devices: what the rest stands on. Only `devices`, which sets the precision, can change a result."""
