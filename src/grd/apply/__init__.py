"""Users' own images: read, segmented, written."""
