"""Runs: many of them in one program, saved, resumed, exported."""
