"""Segmentation of users' own images and volumes."""
