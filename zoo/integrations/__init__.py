"""Flows at the places that other libraries have for them; each file needs the extra of its name."""
