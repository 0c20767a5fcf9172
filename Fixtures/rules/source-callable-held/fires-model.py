import os

HOOKS = {"start": os.system}
for hook in HOOKS.values():
    hook("true")
