"""Archives → samples: fetch, read, split, store, and put on the device."""
