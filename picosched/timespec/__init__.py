"""A text in, times out: cron, intervals, phrases, dates and their algebra."""
