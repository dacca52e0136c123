"""Official archives and twins: obtained, verified, listed in a manifest."""
