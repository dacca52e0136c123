"""Model → affinities: whole images, one pass each."""
