"""What the windows know and do, without Qt: each window draws one of these models."""
