"""Odd command lines, odd arguments and damaged files, drawn from a seed."""
