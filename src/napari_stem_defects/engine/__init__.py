"""The worker process, jobs and devices that keep windows alive during long work."""
