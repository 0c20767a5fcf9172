import winreg

winreg.SetValueEx(None, "example", 0, 1, "echo")
