"""The same work done by this library and by its peers, in one run on one machine."""
