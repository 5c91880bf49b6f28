"""Replay: play the CDS client against the service on files, and compare with expectations."""
