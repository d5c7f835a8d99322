"""Features of sound and pictures, on CPU or GPU."""
