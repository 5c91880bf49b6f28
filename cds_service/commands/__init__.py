"""The commands of the command line, one module each, imported when one is called for."""
