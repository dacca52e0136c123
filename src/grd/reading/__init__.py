"""Image files as people have them → arrays whose axes are known, grey values, labels.

with open_file(path) as stored:    one array of a file, its axes, pixel size and channels; nothing large is read yet
frames(stored, rank, choice)       the images (Y, X[, S]) or volumes (Z, Y, X) in it
grey_rule(frame)                   how its values become 0..255
read_labels(path)                  a label image, volume, or several
"""
