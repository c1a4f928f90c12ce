"""Parsing of timespecs and computing their times: cron, intervals, phrases, dates and their algebra."""
