"""Passports of files, fingerprints of code, and what both are used for: explaining, verifying, rerunning what changed."""
