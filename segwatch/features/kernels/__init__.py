"""What measuring compiles: runs, words, components, slices, distances. Arrays in and out."""
