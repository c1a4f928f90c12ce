"""What is kept of picos, schedules and turns: the logic of the tables, over any database of `port.py`."""
