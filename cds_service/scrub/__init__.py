"""Captures, charts and exports without what identifies, and with what decides.

Structured elements are kept by an allow-list (``elements.toml``) and by nothing else. Free text is
kept with what is recognised in it taken out, which is the best that can be done and no guarantee.
"""
