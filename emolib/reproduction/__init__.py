"""Everything that regenerates the five works, on top of the library: papers, runs, studies, report, explorer, command line."""
