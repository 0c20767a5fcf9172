from importlib.metadata import EntryPoint

EntryPoint("x", "os:system", "group").load()("true")
