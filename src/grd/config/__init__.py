"""What may be written in config/*.yaml, a module per file or section.

One merge rule: `datasets:` of a scale is laid over config/datasets.yaml key by key (nested mappings are merged, anything else is
replaced), and so is `volumes:` over `training:`; nothing else is merged.
"""
