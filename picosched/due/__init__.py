"""Processes due items: scheduled rows, entries of sources, deliveries and programs."""
