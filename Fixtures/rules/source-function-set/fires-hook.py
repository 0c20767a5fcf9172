import sys

setattr(sys, "excepthook", lambda *a, **k: None)
