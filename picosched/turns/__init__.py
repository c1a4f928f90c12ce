"""The code inside the transaction: evaluates and writes turns."""
