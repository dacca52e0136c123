"""Models of config/*.yaml, a module per file or section.

A scale's `datasets:` is laid over config/datasets.yaml key by key (nested mappings are merged, anything else is replaced), and
its `volumes:` over its `training:`. Its `networks:` replaces single arguments of a network, `weights:` of its `training:` single
weights of the methods. Nothing else is merged.
"""
