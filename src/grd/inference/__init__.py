"""Model → affinities: whole images in one pass, volumes tile by tile."""
