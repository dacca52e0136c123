"""Official archives: found or downloaded, verified, recorded."""
