"""What happens inside the one transaction: a turn is evaluated and written."""
