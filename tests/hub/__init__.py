"""Presets on a hub, through its own client; needs the extra hub."""
