"""Archives → samples: obtain, read, split, store, augment, and put on the device."""
