"""The HTTP side: blueprints and what surrounds them. Nothing imports it but the app."""
