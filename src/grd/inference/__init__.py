"""Model → affinities: images in one pass, volumes tile by tile."""
