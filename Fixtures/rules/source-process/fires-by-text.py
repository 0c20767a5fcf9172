import os
import sys
from functools import reduce

globals().update({"start": os.system})
start("echo a")
globals()["begin"] = os.popen
begin("echo b")
setattr(sys.modules[__name__], "launch", os.system)
launch("echo c")
vars().update(go=os.system)
go("echo d")
reduce(getattr, ["system"], __import__("os"))("echo e")
