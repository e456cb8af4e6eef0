"""Long or risky work in a process of its own: jobs, their events, and the worker that runs them."""
