"""How a training loop can end before its end."""


class Stopped(Exception):
    """Training was asked to stop; a checkpoint is written."""


class NotFinite(Exception):
    """Loss or gradient left the numbers."""
