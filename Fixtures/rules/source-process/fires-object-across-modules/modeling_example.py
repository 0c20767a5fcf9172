from .engine import engine

engine.run("true")
