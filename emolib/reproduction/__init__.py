"""Everything that regenerates the five works, on top of the library."""
